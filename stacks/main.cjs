"use strict";
// What package.json's "main" names, so what `pulumi up` loads: the compiled index.ts, compiled first where needed.
require("node:module").enableCompileCache?.();
module.exports = require("../components/compiled.cjs").load("index.js");
