"""A node that embeds the queue's worker: it sends until SIGTERM, then ends what is under way."""

import asyncio
import signal

from queue_shop import SLOTS, queue


async def main() -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with queue, queue.worker(slots=SLOTS):
        print("ready", flush=True)
        await over.wait()


asyncio.run(main())
