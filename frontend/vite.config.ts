import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { version } from './package.json';

// The program of `./dev dev` answers /api; in production it serves these files itself.
const server = process.env.CERTYARD_DEV_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  define: { __CERTYARD_VERSION__: JSON.stringify(version) },
  build: {
    target: 'es2022',
    // No inlining as data: URLs of fonts: the content security policy allows them from 'self' only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': server } },
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
