import { Fragment } from 'react';
import { useServerWords } from '../lib/server-words';

/** A sentence of the server: what stands between backticks there is a name, and looks like one. */
export function Prose({ text }: { text: string }) {
  return text
    .split('`')
    .map((part, index) =>
      index % 2 === 1 ? <code key={index}>{part}</code> : <Fragment key={index}>{part}</Fragment>,
    );
}

interface CodedProps {
  /** The key of the words for its code: `warning.trust_deleted`. */
  words: string;
  message: string;
}

/** What the server says by a stable code: in the reader's language where there are words for it, and exactly below. */
export function Coded({ words, message }: CodedProps) {
  const own = useServerWords()(words);
  if (own === null) {
    return (
      <span lang="en">
        <Prose text={message} />
      </span>
    );
  }
  return (
    <>
      <span>{own}</span>
      <span className="exact" lang="en">
        <Prose text={message} />
      </span>
    </>
  );
}
