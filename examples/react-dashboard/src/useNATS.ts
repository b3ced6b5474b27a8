import { useEffect, useState } from 'react';
import { connect, NatsConnection } from '@nats-io/nats.ws';

/** A connection to the NATS server at `url`, from when it stands until the component goes. */
export function useNATS(url: string) {
  const [nc, setNc] = useState<NatsConnection | null>(null);

  useEffect(() => {
    let connection: NatsConnection | undefined;
    let gone = false;
    (async () => {
      // A server that is away, at first or later, is waited for.
      connection = await connect({ servers: [url], maxReconnectAttempts: -1, waitOnFirstConnect: true });
      // In development, React's strict mode is through with the first effect before its connection stands.
      if (gone) connection.close();
      else setNc(connection);
    })();
    return () => {
      gone = true;
      connection?.close();
    };
  }, [url]);

  return nc;
}
