// A mail server for tests: takes mail for anybody from who logs in, and prints each as a line of JSON. The first line
// names its port. It ends with its input.
import { createRequire } from 'node:module';

const { SMTPServer } = createRequire(import.meta.url)('smtp-server');

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const server = new SMTPServer({
  // Its certificate would be nobody's.
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  onAuth({ username, password }, _session, done) {
    if (username === 'lockstep' && password === 'right') return done(null, { user: username });
    return done(new Error('Invalid user or password'));
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      say({ from: mailFrom.address, to: rcptTo.map(({ address }) => address), text: Buffer.concat(parts).toString('utf8') });
      done();
    });
  },
});

server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
