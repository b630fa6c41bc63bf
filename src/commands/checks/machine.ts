import { access, constants, readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Config } from '../../config.js';
import { projectFolder } from '../../infra/process/project-folder.js';
import type { Finding } from './finding.js';

const gigabyte = 1_073_741_824;

export async function checkNode(): Promise<Finding> {
  const manifest = JSON.parse(await readFile(join(projectFolder, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  const { node } = process.versions;
  const isRelease = Number(node.split('.')[0]) % 2 === 0;
  return isRelease
    ? { level: 'ok', subject: 'Node.js', says: `${node}; ${manifest.engines.node} is needed` }
    : {
        level: 'warning',
        subject: 'Node.js',
        says: `${node} is a version that is never supported for long: install an even one`,
      };
}

/** Whether the folder for the secret, the spool and the embedded database can be written. */
export async function checkFolder({ inletDir }: Config): Promise<Finding> {
  const subject = 'INLET_DIR';
  const { folder, isMade } = await existing(inletDir);
  const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable)
    return {
      level: 'problem',
      subject,
      says: `${folder} cannot be written by this user: change its owner, or name another folder`,
    };
  return { level: 'ok', subject, says: isMade ? inletDir : `${inletDir}; the first start makes it` };
}

export async function checkDisk({ inletDir, uploadsDir }: Config): Promise<Finding[]> {
  const freeBytes = new Map<string, number>();
  for (const setting of [inletDir, uploadsDir]) {
    const { folder } = await existing(setting);
    const { bavail, bsize } = await statfs(folder);
    freeBytes.set(setting, bavail * bsize);
  }
  return [...freeBytes].map(([folder, free]) => ({
    level: free < gigabyte ? 'warning' : 'ok',
    subject: 'disk',
    says: `${(free / gigabyte).toFixed(1)} GB are free for ${folder}${
      free < gigabyte ? ': make room, since nothing can be received when the disk is full' : ''
    }`,
  }));
}

/** The folder itself, or the nearest existing folder above it. */
export async function existing(
  folder: string,
): Promise<{ readonly folder: string; readonly isMade: boolean }> {
  for (let at = folder; ; at = dirname(at)) {
    const isThere = await access(at).then(
      () => true,
      () => false,
    );
    if (isThere || dirname(at) === at) return { folder: at, isMade: at === folder };
  }
}
