import { makeHandlers } from "../../../components/lambda-cloud";
import { clientFromEnvironment, lambdaSettingsOf } from "../../../components/lambda-cloud/settings";

const source = (settings: Record<string, string>) => ({ get: (key: string) => settings[key] });

test("the defaults are the API's limits", () => {
  expect(lambdaSettingsOf(source({}), {})).toEqual({
    apiUrl: "https://cloud.lambda.ai/api/v1",
    requestIntervalMs: 1_000,
    launchIntervalMs: 12_000,
    pollIntervalMs: 5_000,
    settleMs: 180_000,
  });
});

test("the environment's URL wins over the configured one, which wins over the default", () => {
  const configured = source({ lambda: JSON.stringify({ apiUrl: "http://127.0.0.1:1", settleMs: 5 }) });
  expect(lambdaSettingsOf(configured, {})).toMatchObject({ apiUrl: "http://127.0.0.1:1", settleMs: 5 });
  expect(lambdaSettingsOf(configured, { LAMBDA_LABS_API_URL: "http://127.0.0.1:2" }).apiUrl).toBe(
    "http://127.0.0.1:2",
  );
});

test("a client needs a key from the environment or the configuration", () => {
  expect(clientFromEnvironment(source({}), {})).toBeUndefined();
  expect(clientFromEnvironment(source({ lambdaApiKey: "k" }), {})).toBeDefined();
  expect(clientFromEnvironment(source({}), { LAMBDA_LABS_API_KEY: "k" })).toBeDefined();
});

test("handlers without a key say so at their first request, not before", async () => {
  const before = process.env.LAMBDA_LABS_API_KEY;
  delete process.env.LAMBDA_LABS_API_KEY;
  try {
    const { sshKey } = makeHandlers(source({}));
    await expect(sshKey.read("id", { name: "n", publicKey: "p" })).rejects.toThrow(
      "lambdaApiKey: there is no Lambda Cloud API key; expected LAMBDA_LABS_API_KEY in the environment or the secret lambdaApiKey. Set it with: pulumi config set --secret lambdaApiKey.",
    );
  } finally {
    if (before !== undefined) process.env.LAMBDA_LABS_API_KEY = before;
  }
});
