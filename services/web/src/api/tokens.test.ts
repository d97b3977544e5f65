import { beforeEach, describe, expect, test, vi } from "vitest";

import type * as TokensModule from "./tokens";

/** auth's side of `/auth/refresh`: each refresh token counts once. */
class Refreshing {
  calls = 0;
  status = 200;
  /** What happens while auth is being asked. */
  meanwhile = (): void => undefined;
  #valid = "refresh-0";

  readonly fetch = async (_path: string, init: RequestInit): Promise<Response> => {
    this.calls += 1;
    this.meanwhile();
    const { refresh_token } = JSON.parse(String(init.body)) as { refresh_token: string };
    if (this.status !== 200) return new Response("", { status: this.status });
    if (refresh_token !== this.#valid) return new Response("", { status: 401 });
    this.#valid = `refresh-${this.calls}`;
    return Response.json(pair(`access-${this.calls}`, this.#valid, 1800));
  };
}

function pair(access: string, refresh: string, seconds: number) {
  return { access_token: access, refresh_token: refresh, token_type: "bearer", expires_in: seconds };
}

let server: Refreshing;
let storage: Map<string, string>;
let module: typeof TokensModule;

beforeEach(async () => {
  server = new Refreshing();
  storage = new Map();
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
    removeItem: (key: string) => storage.delete(key),
  });
  vi.resetModules();
  module = await import("./tokens");
});

describe("accessToken", () => {
  test("is the kept one while it lives, also after the page is loaded again", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 1800));
    vi.resetModules();
    const reloaded = await import("./tokens");
    expect(await reloaded.accessToken()).toBe("access-0");
    expect(server.calls).toBe(0);
  });

  test("is renewed shortly before it ends", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 10));
    expect(await module.accessToken()).toBe("access-1");
  });

  test("is none when signed out, or when what is kept can't be read", async () => {
    expect(await module.accessToken()).toBeNull();
    storage.set("footnote.tokens", "{broken");
    vi.resetModules();
    const reloaded = await import("./tokens");
    expect(await reloaded.accessToken()).toBeNull();
  });
});

describe("refreshed", () => {
  test("spends the refresh token once for all requests that ask at the same moment", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 1800));
    const all = await Promise.all([1, 2, 3].map(() => module.refreshed("access-0")));
    expect(all).toEqual(["access-1", "access-1", "access-1"]);
    expect(server.calls).toBe(1);
  });

  test("takes what another tab has renewed", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 1800));
    storage.set("footnote.tokens", JSON.stringify({ access: "theirs", refresh: "r", expiresAt: Date.now() + 1e6 }));
    expect(await module.refreshed("access-0")).toBe("theirs");
    expect(server.calls).toBe(0);
  });

  test("signs out when the refresh token no longer counts", async () => {
    module.keepTokens(pair("access-0", "revoked", 1800));
    expect(await module.refreshed("access-0")).toBeNull();
    expect(module.tokens.get()).toBeNull();
    expect(storage.size).toBe(0);
  });

  test("stays signed in while auth is away", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 1800));
    server.status = 503;
    await expect(module.refreshed("access-0")).rejects.toMatchObject({ status: 503 });
    expect(module.tokens.get()?.refresh).toBe("refresh-0");
    server.status = 200;
    expect(await module.refreshed("access-0")).toBe("access-2");
  });

  test("doesn't sign in again someone who signed out meanwhile", async () => {
    module.keepTokens(pair("access-0", "refresh-0", 1800));
    server.meanwhile = module.forgetTokens;
    expect(await module.refreshed("access-0")).toBeNull();
    expect(server.calls).toBe(1);
    expect(module.tokens.get()).toBeNull();
  });
});
