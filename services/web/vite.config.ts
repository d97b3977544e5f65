import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// What `npm run dev` passes on to a running gateway; the built page is served by the gateway itself.
const API = ["/auth", "/users", "/chat", "/documents", "/billing", "/admin"];
const GATEWAY = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    // Everything is a file of our own, so the page runs under a policy without inline scripts, styles or data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: Object.fromEntries(API.map((path) => [path, GATEWAY])) },
  test: { include: ["src/**/*.test.ts"] },
});
