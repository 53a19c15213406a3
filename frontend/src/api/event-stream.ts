/** Server-sent events by fetch: unlike EventSource it says why it ended, and resumes where the last page left off. */

export interface StreamEvent {
  id: string | null;
  event: string;
  data: string;
}

/** Cuts a stream of characters into events. Feed it pieces as they come; it keeps what is not yet whole. */
export class EventParser {
  private rest = '';
  private id: string | null = null;
  private event = '';
  private data: string[] = [];

  feed(piece: string): StreamEvent[] {
    this.rest += piece;
    const events: StreamEvent[] = [];
    let end = this.lineEnd();
    while (end !== null) {
      const line = this.rest.slice(0, end.at);
      this.rest = this.rest.slice(end.at + end.length);
      const event = this.line(line);
      if (event !== null) events.push(event);
      end = this.lineEnd();
    }
    return events;
  }

  private lineEnd(): { at: number; length: number } | null {
    const at = this.rest.search(/[\r\n]/);
    if (at < 0) return null;
    if (this.rest[at] === '\n') return { at, length: 1 };
    // A carriage return at the very end may be the first half of CR LF.
    if (at === this.rest.length - 1) return null;
    return { at, length: this.rest[at + 1] === '\n' ? 2 : 1 };
  }

  private line(line: string): StreamEvent | null {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    if (field === 'event') this.event = value;
    if (field === 'id') this.id = value;
    return null;
  }

  private dispatch(): StreamEvent | null {
    if (this.data.length === 0) {
      this.event = '';
      return null;
    }
    const event = { id: this.id, event: this.event || 'message', data: this.data.join('\n') };
    this.event = '';
    this.data = [];
    return event;
  }
}

export type StreamState = 'connecting' | 'live' | 'polling';

interface Handlers {
  onEvent: (event: StreamEvent) => void;
  onState: (state: StreamState) => void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/** Reads `path` until `close` is called; after an end it asks again from the last id, with growing pauses. */
export function openStream(path: string, handlers: Handlers): { close: () => void } {
  const control = new AbortController();
  let lastId: string | null = null;
  let pause = FIRST_RETRY_MS;

  const readOnce = async () => {
    const headers = new Headers({ Accept: 'text/event-stream' });
    if (lastId !== null) headers.set('Last-Event-ID', lastId);
    const response = await fetch(path, { headers, signal: control.signal, credentials: 'same-origin' });
    if (!response.ok || response.body === null) throw new Error(`events: ${response.status}`);
    handlers.onState('live');
    pause = FIRST_RETRY_MS;
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      for (const event of parser.feed(piece.value)) {
        lastId = event.id ?? lastId;
        handlers.onEvent(event);
      }
    }
  };

  const run = async () => {
    while (!control.signal.aborted) {
      try {
        await readOnce();
      } catch {
        if (control.signal.aborted) return;
        handlers.onState('polling');
      }
      const wait = pause;
      pause = Math.min(pause * 2, LAST_RETRY_MS);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };

  void run();
  return { close: () => control.abort() };
}
