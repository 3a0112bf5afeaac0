/* eslint-disable @typescript-eslint/no-require-imports -- the implementation is found at run time, in the project's
   folder; the reason stands up here because comments in a method end up in state */
import type * as pulumi from "@pulumi/pulumi";
import type { LambdaCloudHandlers } from "../lambda-cloud";

type Kind = keyof LambdaCloudHandlers;

/**
 * The dynamic provider of one kind of Lambda Cloud resource. Its code is kept in every resource's state, so it is as
 * thin as can be and frozen: it finds the implementation in the compiled program when it is configured
 * (docs/adr/0002-thin-shims.md). A mended implementation serves resources that exist already, and plans no change.
 *
 * No method may refer to anything outside itself, and no field may have an initializer: both would be lost in state.
 */
class Shim implements pulumi.dynamic.ResourceProvider {
  declare private readonly kind: Kind;
  declare private handlers: Required<Omit<pulumi.dynamic.ResourceProvider, "configure">>;

  constructor(kind: Kind) {
    this.kind = kind;
  }

  /** Sets the implementation before its first await: the host calls methods without waiting for this to end. */
  configure(request: pulumi.dynamic.ConfigureRequest): Promise<void> {
    const { load } = require(`${process.cwd()}/components/compiled.cjs`) as {
      load: (path: string) => unknown;
    };
    const { makeHandlers } = load("components/lambda-cloud/index.js") as typeof import("../lambda-cloud");
    this.handlers = makeHandlers(request.config)[this.kind];
    return Promise.resolve();
  }

  check(olds: unknown, news: unknown): Promise<pulumi.dynamic.CheckResult> {
    return this.handlers.check(olds, news);
  }

  diff(id: pulumi.ID, olds: unknown, news: unknown): Promise<pulumi.dynamic.DiffResult> {
    return this.handlers.diff(id, olds, news);
  }

  create(inputs: unknown): Promise<pulumi.dynamic.CreateResult> {
    return this.handlers.create(inputs);
  }

  read(id: pulumi.ID, props?: unknown): Promise<pulumi.dynamic.ReadResult> {
    return this.handlers.read(id, props);
  }

  update(id: pulumi.ID, olds: unknown, news: unknown): Promise<pulumi.dynamic.UpdateResult> {
    return this.handlers.update(id, olds, news);
  }

  delete(id: pulumi.ID, props: unknown): Promise<void> {
    return this.handlers.delete(id, props);
  }
}

/** One object for each kind: the engine serializes an object once, however many resources share it. */
export const instanceProvider: pulumi.dynamic.ResourceProvider = new Shim("instance");
export const sshKeyProvider: pulumi.dynamic.ResourceProvider = new Shim("sshKey");
export const fileSystemProvider: pulumi.dynamic.ResourceProvider = new Shim("fileSystem");
export const firewallRulesetProvider: pulumi.dynamic.ResourceProvider = new Shim("firewallRuleset");
export const firewallRulesProvider: pulumi.dynamic.ResourceProvider = new Shim("firewallRules");
