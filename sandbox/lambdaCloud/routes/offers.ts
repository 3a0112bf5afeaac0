import type { InstanceTypes } from "../../../components/lambda-cloud/schemas";
import { images, instanceTypes, regions } from "../catalogue";
import type { Cloud } from "../cloud";
import type { Route } from "./route";

/** What can be had: instance types with the regions that have some, regions, images. */
export const offerRoutes: readonly Route[] = [
  { method: "GET", path: "/instance-types", handle: ({ cloud }) => listInstanceTypes(cloud) },
  { method: "GET", path: "/regions", handle: () => Object.values(regions) },
  { method: "GET", path: "/images", handle: () => images },
];

function listInstanceTypes(cloud: Cloud): InstanceTypes {
  const available = (type: string) =>
    Object.values(regions).filter((region) => cloud.capacity(type, region.name) > 0);
  return Object.fromEntries(
    Object.entries(instanceTypes).map(([name, instance_type]) => [
      name,
      { instance_type, regions_with_capacity_available: available(name) },
    ]),
  );
}
