/** Where the Snowflake warehouse is and how the platform signs in. */
export const SNOWFLAKE = [
  "SNOWFLAKE_ACCOUNT",
  "SNOWFLAKE_USER",
  "SNOWFLAKE_PASSWORD",
  "SNOWFLAKE_WAREHOUSE",
  "SNOWFLAKE_DATABASE",
  "SNOWFLAKE_SCHEMA",
  "SNOWFLAKE_ROLE",
];

const SETTINGS = ["ACCOUNT", "USER", "PASSWORD", "PAT", "WAREHOUSE", "DATABASE", "SCHEMA", "ROLE"];

/** The same for an administrator of the development, staging and production accounts. */
export const SNOWFLAKE_ADMIN = ["DEV", "STG", "PROD"].flatMap((account) =>
  SETTINGS.map((setting) => `SNOWFLAKE_${account}_${setting}`),
);
