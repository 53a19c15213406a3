// A mail server that says 250 to everybody, and 550 to whom it was told to: it keeps what it was sent.
import { createServer } from 'node:net';

export class MailServer {
  letters = [];
  refused = new Set();

  async start() {
    this.server = createServer((socket) => this.talk(socket));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }

  talk(socket) {
    let text = '';
    let letter = null;
    let inData = false;
    const say = (line) => socket.write(`${line}\r\n`);
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    say('220 mail.test ESMTP');
    socket.on('data', (bytes) => {
      text += bytes.toString('utf8');
      for (;;) {
        const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = text.slice(0, end);
        text = text.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          this.letters.push({ ...letter, text: line });
          say(`250 2.0.0 Ok: queued as ${String(this.letters.length).padStart(6, '0')}`);
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO' || verb === 'HELO') say('250 mail.test');
        else if (verb === 'MAIL') {
          letter = { from: line, to: [] };
          say('250 2.1.0 Ok');
        } else if (verb === 'RCPT') {
          const address = /<([^>]+)>/.exec(line)?.[1] ?? '';
          if (this.refused.has(address)) say(`550 5.1.1 <${address}>: no such mailbox`);
          else {
            letter.to.push(address);
            say('250 2.1.5 Ok');
          }
        } else if (verb === 'DATA') {
          inData = true;
          say('354 End data with <CR><LF>.<CR><LF>');
        } else if (verb === 'QUIT') {
          say('221 2.0.0 Bye');
          socket.end();
        } else say('250 2.0.0 Ok');
      }
    });
  }

  async stop() {
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections?.();
    });
  }
}
