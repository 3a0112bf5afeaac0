import { findPlacementProblems, lookUpInstanceTypes } from "../../../components/lambda-cloud/catalog";
import { formatProblem } from "../../../components/problems";
import { FakeCloud, instanceType } from "./fakeCloud";

const region = (name: string) => ({ name, description: name });

test("all placements that Lambda does not have are reported, each once", async () => {
  const client = {
    listInstanceTypes: new FakeCloud().listInstanceTypes,
    listRegions: () => Promise.resolve([region("us-east-1"), region("us-west-1")]),
  };
  const problems = await findPlacementProblems(client, [
    { path: "nodes.gpu", instanceType: "gpu_1x_a1O", region: "us-east-1" },
    { path: "nodes.gpu", instanceType: "gpu_1x_a1O", region: "mars-1" },
    { path: "nodes.gpu", instanceType: "gpu_8x_a100", region: "us-west-1" },
  ]);
  expect(problems.map(formatProblem)).toEqual([
    'nodes.gpu.instanceTypes: Lambda has no such instance type (got "gpu_1x_a1O"); expected one of gpu_1x_a10, gpu_8x_a100. Did you mean "gpu_1x_a10"? Otherwise choose one that Lambda offers.',
    'nodes.gpu.regions: Lambda has no such region (got "mars-1"); expected one of us-east-1, us-west-1. Choose one that Lambda offers.',
  ]);
});

test("where the API lists no regions, those of the instance types count", async () => {
  const client = {
    listInstanceTypes: new FakeCloud().listInstanceTypes,
    listRegions: () => Promise.resolve(undefined),
  };
  const placement = { path: "nodes.gpu", instanceType: "gpu_1x_a10" };
  await expect(findPlacementProblems(client, [{ ...placement, region: "us-east-1" }])).resolves.toEqual([]);
});

test("instance types are looked up with their price, their processor and where there is room", async () => {
  const cloud = new FakeCloud();
  cloud.types.gpu_1x_gh200 = {
    instance_type: instanceType("gpu_1x_gh200"),
    regions_with_capacity_available: [],
  };
  const types = await lookUpInstanceTypes(cloud);
  expect(types.gpu_8x_a100).toEqual({
    name: "gpu_8x_a100",
    description: "gpu_8x_a100",
    gpus: 8,
    vcpus: 30,
    memoryGib: 200,
    storageGib: 1400,
    architecture: "amd64",
    hourlyPriceUsd: 10.32,
    regions: ["us-east-1"],
  });
  expect(types.gpu_1x_gh200).toMatchObject({ architecture: "arm64", regions: [] });
});
