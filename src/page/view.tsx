// page: the view of each place.
import { CaseView } from './case-view.tsx';
import { ConnectionView } from './connection.tsx';
import { Connections } from './connections.tsx';
import { Deliveries } from './deliveries.tsx';
import { DeliveryView } from './delivery.tsx';
import { useTitle } from './hooks.ts';
import { Overview } from './overview.tsx';
import type { Place } from './url.ts';

export function View({ place }: { place: Place }) {
  const [room, id] = place.path;
  if (room === undefined) return <Overview />;
  if (room === 'deliveries') return id === undefined ? <Deliveries params={place.params} /> : <DeliveryView id={id} />;
  if (room === 'connections')
    return id === undefined ? <Connections params={place.params} /> : <ConnectionView id={id} params={place.params} />;
  if (room === 'case') return <CaseView />;
  return <Nowhere />;
}

function Nowhere() {
  useTitle('Nothing here');
  return (
    <section>
      <h1>Nothing here</h1>
      <p>
        This address leads nowhere. <a href="#/">Go to the overview.</a>
      </p>
    </section>
  );
}
