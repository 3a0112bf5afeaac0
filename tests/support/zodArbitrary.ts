/** Values that a zod schema accepts, up to its limits. */
import fc from "fast-check";
import { z } from "zod";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Values of fields that no schema describes, by name. */
type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** @param fields Fields, wherever they are, that the schema says too little about. @default - none */
export function acceptedBy<T>(schema: z.ZodType<T>, fields: Fields = {}): fc.Arbitrary<T> {
  const accepts = (value: unknown): value is T => schema.safeParse(value).success;
  return arbitrary(z.toJSONSchema(schema), fields).filter(accepts);
}

function arbitrary(schema: JsonSchema | boolean, fields: Fields): fc.Arbitrary<unknown> {
  if (typeof schema === "boolean") return fc.jsonValue();
  const { type, anyOf, enum: values, prefixItems, items, properties = {}, required = [] } = schema;
  const some = (part: JsonSchema | boolean) => arbitrary(part, fields);
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(some));
  if (values !== undefined) return fc.constantFrom(...values);
  if (prefixItems !== undefined) return fc.tuple(...prefixItems.map(some));
  if (type === "array" && items !== undefined && !Array.isArray(items))
    return fc.array(some(items), { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 3 });
  if (type === "object") {
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, part] of Object.entries(properties)) model[name] = fields[name] ?? some(part);
    return fc.record(model, { requiredKeys: required });
  }
  if (type === "integer") return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 2 ** 31 });
  if (type === "string") return text(schema);
  throw new Error(`acceptedBy: cannot make up ${JSON.stringify(schema)}`);
}

function text({ pattern, minLength = 0, maxLength = 100 }: JsonSchema): fc.Arbitrary<string> {
  // fast-check knows no assertions within a pattern; what they exclude, the schema refuses.
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern.replaceAll(/\(\?!.*?\)/g, "")));
  return fc.string({ unit: "binary", minLength, maxLength, size: "max" });
}
