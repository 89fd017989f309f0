import { defineConfig } from "vite";

// One classic script: a page opened from the disk may load scripts beside it, but no modules.
export default defineConfig({
  build: {
    outDir: "../src/diaphane/view/static",
    emptyOutDir: true,
    target: "es2020",
    lib: { entry: "src/main.js", formats: ["iife"], name: "diaphanePage", fileName: () => "page.js" },
  },
});
