/** The process that makes the previews of one picture after another (see isolated-decoder.ts), and of nothing else. */
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

import { asMediaError } from '../domain/retry.js';
import { createImageDecoder, shutForeignDecoders } from './images.js';
import type { IsolatedAnswer, IsolatedTask } from './isolated-decoder.js';
import { behind } from './thread-priority.js';

const images = createImageDecoder({ maxPixels: Number(process.argv[2]) });

/** Where memory runs out, Linux is to end this process instead of the service. */
function volunteer(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // There is no such thing elsewhere.
  }
}

async function answerOf({ input }: IsolatedTask): Promise<IsolatedAnswer> {
  try {
    const previewed = await images.preview(typeof input === 'string' ? input : Buffer.from(input));
    return { previewed };
  } catch (error) {
    const { code, message } = asMediaError(error);
    return { code, message };
  }
}

shutForeignDecoders();
setPriority(behind);
volunteer();
// An orderly end would wait for a decoder that may never end.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (task: IsolatedTask) => {
  void answerOf(task).then((answer) => process.send?.(answer));
});
