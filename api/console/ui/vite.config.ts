import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    // Browsers that know light-dark(), <dialog> and Web Locks.
    target: ["chrome125", "firefox128", "safari18"],
    assetsInlineLimit: 0, // data: addresses would need a looser content security policy
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8700" } },
});
