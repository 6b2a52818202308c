// What a fresh machine lacks, with Node alone: the packages of package.json, programs of the system, the built console.
// Plain JavaScript, since it runs before anything is installed. Each step costs nothing where its work is already done.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** A sentence for the person at the terminal; no stack trace. */
export class SetupError extends Error {}

/** Runs the steps that a command needs. `programs`: names of `systemPrograms`. */
export function setUp({ programs = [], withConsole = false, withNodeOpus = false } = {}) {
  requireNode();
  installPackages();
  for (const name of programs) ensureProgram(name);
  if (withNodeOpus) buildNodeOpus();
  if (withConsole) buildConsole();
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Loa Làng needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  }
}

function installPackages() {
  const stamp = join(root, 'node_modules', '.loalang-installed');
  const wanted = hashFiles([join(root, 'package.json'), join(root, 'package-lock.json')]);
  if (readStamp(stamp) === wanted) return;
  console.log('Installing packages (half a minute, the first time only) …');
  run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

/** Program → the names it may have on PATH, or the module that Debian's Python must find, and Debian's package. */
const systemPrograms = {
  ffmpeg: { commands: ['ffmpeg', 'ffprobe'], debian: 'ffmpeg' },
  'espeak-ng': { commands: ['espeak-ng'], debian: 'espeak-ng' },
  chromium: { commands: ['chromium'], debian: 'chromium' },
  // A sound card made of software. Debian's package brings the way from ALSA to it (libasound2-plugins) along.
  pulseaudio: { commands: ['pulseaudio', 'parec'], debian: 'pulseaudio' },
  // MQTT clients that we did not write.
  'mosquitto-clients': { commands: ['mosquitto_pub', 'mosquitto_sub'], debian: 'mosquitto-clients' },
  paho: { commands: [], python: 'paho.mqtt.client', debian: 'python3-paho-mqtt' },
  // What `bench sync` and `bench agent` compare with.
  snapserver: { commands: ['snapserver'], debian: 'snapserver' },
  snapclient: { commands: ['snapclient'], debian: 'snapclient' },
  // Brokers and a proxy that stand in the place of ours, or before it. Tests start their own processes of them. (Debian puts
  // mosquitto where only root's PATH looks.)
  openssl: { commands: ['openssl'], debian: 'openssl' },
  haproxy: { commands: ['haproxy'], debian: 'haproxy' },
  mosquitto: { commands: ['mosquitto'], debian: 'mosquitto' },
  'nats-server': { commands: ['nats-server'], debian: 'nats-server' },
};

/** Another Python on PATH does not see Debian's packages. */
const debianPython = '/usr/bin/python3';

function ensureProgram(name) {
  const { debian } = systemPrograms[name];
  if (isInstalled(name)) return;
  const apt = aptGet();
  if (apt === null) {
    throw new SetupError(`${name} is missing. Install it, then start again: apt-get install ${debian}`);
  }
  console.log(`Installing ${debian} …`);
  const [command, ...args] = apt;
  // One repository that can't be reached fails the update; the package may be known all the same.
  spawn(command, [...args, 'apt-get', 'update', '-qq']);
  spawn(command, [...args, 'sh', '-c', INSTALL, debian]);
  if (!isInstalled(name)) {
    throw new SetupError(
      `${name} is missing and could not be installed. Install the package ${debian} by hand.`,
    );
  }
}

function isInstalled(name) {
  const { commands, python } = systemPrograms[name];
  if (!commands.every(isOnPath)) return false;
  return python === undefined || spawnSync(debianPython, ['-c', `import ${python}`]).status === 0;
}

/**
 * Installs a package ($0) without starting the service that some of them bring: Debian asks policy-rc.d first, where there
 * is one.
 */
const INSTALL = `
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get install -y -qq --no-install-recommends "$0"
`;

/** How this user may call apt-get: directly as root, through sudo where that asks for no password, else not at all. */
function aptGet() {
  if (!isOnPath('apt-get')) return null;
  if (process.getuid?.() === 0) return ['env'];
  const canSudo = isOnPath('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  return canSudo ? ['sudo', '-n'] : null;
}

/** An optional package fails silently; where it is demanded (in CI) it must load. */
function buildNodeOpus() {
  if (loadsNodeOpus()) return;
  run('npm', ['rebuild', 'node-opus', '--loglevel=error']);
  if (!loadsNodeOpus()) throw new SetupError('node-opus could not be built: it needs python3, make and g++.');
}

function loadsNodeOpus() {
  return spawnSync(process.execPath, ['-e', 'require("node-opus")'], { cwd: root }).status === 0;
}

function buildConsole() {
  const stamp = join(root, 'web-console', 'ui', 'dist', '.built');
  const sources = [join(root, 'web-console', 'ui'), join(root, 'shared', 'src')].flatMap(listFiles);
  const wanted = hashFiles([...sources, join(root, 'package-lock.json')]);
  if (readStamp(stamp) === wanted) return;
  console.log('Building the console …');
  const vite = join(require.resolve('vite/package.json'), '..', 'bin', 'vite.js');
  run(process.execPath, [vite, 'build', join(root, 'web-console', 'ui'), '--logLevel', 'error']);
  writeFileSync(stamp, wanted);
}

function listFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'dist' && entry.name !== 'node_modules')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? listFiles(path) : [path];
    });
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  // Relative, so that a checkout that was moved or mounted elsewhere needs nothing anew.
  for (const path of paths.toSorted()) hash.update(relative(root, path)).update(readFileSync(path));
  return hash.digest('hex');
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function isOnPath(command) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(command, args) {
  const { status, error } = spawn(command, args);
  if (error) throw new SetupError(`${command} could not be run: ${error.message}`);
  if (status !== 0) throw new SetupError(`${command} ${args.join(' ')} ended with ${status}.`);
}

function spawn(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Runs a command of the project, with its set-up, and turns what went wrong into one sentence and exit code 1. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Runs a program of the project in the foreground and returns its exit code. */
export function runNode(args, env = {}) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}
