// The Kubernetes provider of Pulumi, from its published Go module. The module's own main package embeds a file that
// the module does not carry, hence this one; schema.json is copied here from the module before each build.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, []byte("{}"))
}
