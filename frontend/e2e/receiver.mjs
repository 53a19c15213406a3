// A receiver of calls: it keeps what it was sent, and answers what it was told to.
import { createServer } from 'node:http';

export class Receiver {
  calls = [];
  answer = 200;

  async start() {
    this.server = createServer((request, response) => {
      const parts = [];
      request.on('data', (bytes) => parts.push(bytes));
      request.on('end', () => {
        this.calls.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts) });
        response.writeHead(this.answer, { 'content-type': 'text/plain' });
        response.end(this.answer < 300 ? 'thank you' : 'no such hook');
      });
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}
