/* Owns the clips that the tests post: made on the spot, with moving pictures and sound, or a real
 * recording where the shared media lie beside the checkout. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SHARED = fileURLToPath(new URL('../../../../shared/media/typical', import.meta.url));

export function makeClip(folder, name, { seconds = 6, tone = 330, size = '360x640', picture = 'testsrc2' } = {}) {
  const path = join(folder, name);
  execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `${picture}=size=${size}:rate=30:duration=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000:duration=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', path],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return path;
}

/** A recording of 4 to 30 s that nobody here made, or null. */
export function realClip() {
  const path = join(SHARED, 'v_rug_pattern_720x1280.mp4');
  return existsSync(path) ? path : null;
}

/** The same video in more bytes: a `free` box, which players skip, is put at its end. */
export function padded(path, bytes) {
  const box = Buffer.alloc(bytes);
  box.writeUInt32BE(bytes, 0);
  box.write('free', 4, 'latin1');
  for (let i = 8; i < bytes; i += 4096) box.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, Math.min(i, bytes - 4));
  return Buffer.concat([readFileSync(path), box]);
}
