// page: files that the reader drops or chooses: a shared case or a HAR file, read in the browser and sent nowhere.
import { useEffect, useState } from 'preact/hooks';
import { type CaseFile, isCase, readCase } from './case-file.ts';
import { fileName } from './format.ts';
import { type HarMessage, readHar } from './har.ts';
import { useShared } from './hooks.ts';

/** An opened file. */
export type Opened =
  | { readonly name: string; readonly kind: 'case'; readonly file: CaseFile }
  | { readonly name: string; readonly kind: 'har'; readonly sockets: readonly HarSocket[] };

export interface HarSocket {
  readonly url: string;
  readonly messages: readonly HarMessage[];
}

/** Longest file that is read, bytes. */
const FILE_LIMIT = 256 * 1024 * 1024;

let opened: Opened | undefined;
const watchers = new Set<() => void>();

/** The file that this tab opened last. */
export function useOpened(): Opened | undefined {
  const [now, setNow] = useState(opened);
  useEffect(() => {
    const watcher = (): void => setNow(opened);
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
    };
  }, []);
  return now;
}

/** Reads a file and shows it. Answers what is wrong with it, if something is. */
async function openFile(file: File): Promise<string | undefined> {
  if (file.size > FILE_LIMIT) return `${file.name} is too large to be opened here.`;
  let content: unknown;
  try {
    content = JSON.parse(await file.text());
  } catch {
    return `${file.name} is no JSON.`;
  }
  const read = isCase(content) ? readCase(content) : readHar(content);
  if (typeof read === 'string') return read;
  opened =
    'ackspan_case' in read
      ? { name: file.name, kind: 'case', file: read }
      : { name: file.name, kind: 'har', sockets: read };
  for (const watcher of watchers) watcher();
  location.hash = '#/case';
  return undefined;
}

/** Takes files that are dropped anywhere on the page. */
export function DropTarget() {
  const { say } = useShared();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const isFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const drag = (event: DragEvent): void => {
      if (!isFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!isFile(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void openFile(file).then((fault) => fault !== undefined && say(fault));
    };
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [say]);
  return over ? (
    <div class="drop">
      <p>Drop a case or a HAR file to open it. It is read in this browser and sent nowhere.</p>
    </div>
  ) : null;
}

/** A button that opens a file, for readers who do not drag. */
export function OpenButton() {
  const { say } = useShared();
  return (
    <label class="button">
      Open a case…
      <input
        class="hidden-input"
        type="file"
        accept=".json,.har,application/json"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file !== undefined) void openFile(file).then((fault) => fault !== undefined && say(fault));
        }}
      />
    </label>
  );
}

/** Saves `content` as JSON in a file of the reader. */
export function saveFile(name: string, content: object): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
