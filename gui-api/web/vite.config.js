import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The service sends `default-src 'self'`: nothing may become a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // For work on the GUI beside a running service: `npm run dev`.
  server: { proxy: { "/api": process.env.TIDELINE_GUI ?? "http://127.0.0.1:8686" } },
});
