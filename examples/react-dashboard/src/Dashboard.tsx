import { useEffect, useState } from 'react';

import { useNATS } from './useNATS';

/** Shows what comes on `dashboard.>`. Another server than the default: `?server=wss://nats.example.com`. */
const url = new URLSearchParams(location.search).get('server') ?? 'ws://localhost:8080';

export function Dashboard() {
  const nc = useNATS(url);
  const [messages, setMessages] = useState<string[]>([]);

  useEffect(() => {
    if (!nc) return;
    const sub = nc.subscribe('dashboard.>');
    (async () => {
      for await (const msg of sub) {
        const text = new TextDecoder().decode(msg.data);
        setMessages((prev) => [...prev, text]);
      }
    })();
    return () => sub.unsubscribe();
  }, [nc]);

  return (
    <div>
      {messages.map((msg, i) => (
        <div key={i}>{msg}</div>
      ))}
    </div>
  );
}
