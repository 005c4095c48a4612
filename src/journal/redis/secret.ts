// journal: the secret behind resume tokens, on which all instances agree.
import type { Link } from './link.ts';

/** All instances sign with one secret, the first of `secrets`: that of the first one to come. */
export async function agreeOnSecret(link: Pick<Link, 'send'>, key: string, secrets: string[]): Promise<void> {
  const [own] = secrets;
  await link.send('set', [key, own!, 'NX']);
  const agreed = (await link.send('get', [key])) as string;
  if (agreed === own) return;
  const at = secrets.indexOf(agreed);
  if (at > 0) secrets.splice(at, 1);
  secrets.unshift(agreed);
}
