import { describe, expect, it } from 'vitest';
import { EventParser } from './event-stream';

describe('EventParser', () => {
  it('joins pieces that were cut anywhere', () => {
    const parser = new EventParser();
    const text = 'id: 7\nevent: job\ndata: {"a":1}\n\n: keep-alive\n\nid: 8\ndata: x\ndata: y\n\n';
    const events = [...text].flatMap((character) => parser.feed(character));
    expect(events).toEqual([
      { id: '7', event: 'job', data: '{"a":1}' },
      { id: '8', event: 'message', data: 'x\ny' },
    ]);
  });

  it('takes CR LF and CR as ends of a line', () => {
    const parser = new EventParser();
    const events = ['data: a\r', '\n\r\n', 'data: b\r\r', 'data: c\n\n'].flatMap((piece) =>
      parser.feed(piece),
    );
    expect(events.map((event) => event.data)).toEqual(['a', 'b', 'c']);
  });

  it('gives nothing for an event that has not ended', () => {
    expect(new EventParser().feed('data: a\n')).toEqual([]);
  });

  it('keeps the last id for later events', () => {
    const parser = new EventParser();
    const events = parser.feed('id: 3\ndata: a\n\ndata: b\n\n');
    expect(events.map((event) => event.id)).toEqual(['3', '3']);
  });
});
