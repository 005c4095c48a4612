// admin: POST /api/v1/login and /logout: the page's log-in: the token once, then a cookie that no script can read.
import { createMembers } from './body.ts';
import type { Entry } from './entry.ts';
import { badBody, json, problem } from './reply.ts';
import type { Route } from './route.ts';

/** Characters of a token that are read. */
const TOKEN_LIMIT = 4096;

/** Log-in and log-out. Where no token is asked for there is nothing to log in to: 404. */
export function loginRoutes(entry: Entry, wall: () => number): readonly Route[] {
  const none = () => problem(404, 'This admin server asks for no token.');
  return [
    {
      path: '/api/v1/login',
      open: true,
      page: true,
      harmless: true,
      change({ body, remote, mount, secure }) {
        const { sessions } = entry;
        if (sessions === undefined) return none();
        const members = createMembers(body);
        const token = members.text('token', TOKEN_LIMIT, true);
        const faults = members.faults();
        if (faults.length > 0 || token === undefined) return badBody(faults);
        if (!entry.logIn(token, remote))
          return problem(401, 'This is not the admin token, or too many wrong ones came from this address.');
        return { ...json(200, { logged_in: true }), headers: { 'Set-Cookie': sessions.begin(mount, secure, wall()) } };
      },
    },
    {
      path: '/api/v1/logout',
      open: true,
      page: true,
      harmless: true,
      change({ cookies, mount }) {
        const { sessions } = entry;
        if (sessions === undefined) return none();
        return { ...json(200, { logged_in: false }), headers: { 'Set-Cookie': sessions.end(cookies, mount) } };
      },
    },
  ];
}
