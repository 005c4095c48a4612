// admin-client: what to do when an admin server cannot be reached, or refuses, in words for each platform.
import type { AdminFailure } from './failure.ts';
import { DEFAULT_ADMIN } from './place.ts';
import type { Place } from './request.ts';

const PLATFORMS = [
  'The admin server listens on loopback by default, so it is reached from the host or pod of the sidecar:',
  '  on the same host   ackspan stats --admin http://127.0.0.1:9464   (the sidecar’s first log line says where it listens)',
  '  Kubernetes         kubectl port-forward POD 9464:9464, then --admin http://127.0.0.1:9464',
  '                     (or kubectl exec POD -c ackspan -- ackspan stats)',
  '  Cloud Run          only one port is public there: set admin.mount: /.ackspan and admin.token, then',
  '                     gcloud run services proxy SERVICE --port 8080, and --admin http://127.0.0.1:8080/.ackspan',
  '                     (without the proxy: --admin https://SERVICE-….run.app/.ackspan)',
];

/** Lines that help after `failure`; none where the failure says all there is to say. */
export function hints(failure: AdminFailure, place: Place): readonly string[] {
  switch (failure.kind) {
    case 'unreachable':
    case 'slow':
    case 'stranger':
      return [
        ...(place.base === DEFAULT_ADMIN
          ? ['No address was given (--admin or ACKSPAN_ADMIN): the default was tried.']
          : []),
        ...PLATFORMS,
      ];
    case 'token':
      return [
        place.token === undefined
          ? 'No token was given. It is the sidecar’s admin.token: use --token-file FILE, or ACKSPAN_ADMIN_TOKEN.'
          : 'A token was sent, and it is not this sidecar’s admin.token.',
      ];
    case 'forbidden':
      return [
        'Under admin.mount the sidecar serves its admin API only if admin.token is set; else use its admin port.',
      ];
    case 'busy':
      return [
        'Try again in a moment. As for followers of the stream: each `ackspan tail`, `top` and open page is one.',
      ];
    case 'missing':
    case 'refused':
    case 'broken':
      return [];
  }
}
