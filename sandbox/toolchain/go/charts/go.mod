module sophia/toolchain/charts

go 1.26.0

require sigs.k8s.io/node-feature-discovery v0.19.0
