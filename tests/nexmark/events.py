"""Bids of the Nexmark benchmark, made by a generator that shares nothing with connectors/generate.

Besides what the benchmark has (hot auctions and bidders, log-uniform prices, rows out of order) they hold what
decides queries: equal dearest bids in one window, rows exactly as late as is allowed, bids at bounds of windows,
sessions exactly one gap apart, two days, all times of the day that query 14 tells apart, odd channels and URLs.
"""
import datetime
import random

OUT_OF_ORDER = 4_000  # ms, what the pipelines declare
COLUMNS = {"auction": "bigint", "bidder": "bigint", "price": "bigint", "channel": "text", "url": "text",
           "date_time": "timestamp", "extra": "text"}
# Starts of busy phases, each at another time of the day as query 14 sees it.
PHASES = ["2024-02-28 05:59:40", "2024-02-28 07:29:59", "2024-02-28 18:59:30", "2024-02-28 23:59:20", "2024-02-29 12:00:00"]
EPOCH = datetime.datetime(1970, 1, 1)
DEAREST = 99_999_999
NAMES = ["Apple", "Google", "Facebook", "Baidu", "apple", "GOOGLE", "faceBook", "baidu", "Apples", ""]
URLS = ["https://www.nexmark.com/{}/item.htm?query=1", "https://www.nexmark.com/{}/item.htm?query=1&channel_id={}",
        "https://www.nexmark.com/{}/item.htm?channel_id={}", "channel_id={1}&from=/{0}/a/b/c",
        "https://www.nexmark.com/{}/item.htm?query=1&channel_id=&x={}", "https://x/{}&channel_id={}&channel_id=2"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ODD = ['"quoted", with a comma', "back\\slash\tand tab", "ccc\u00e9\u4e2d\U0001f600c", "", " ", "null", "\\N"]


def ms_of(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH) // datetime.timedelta(milliseconds=1)


def as_text(ms):
    """As PostgreSQL prints it: no zeros behind the last digit."""
    text = (EPOCH + datetime.timedelta(milliseconds=ms)).isoformat(" ", "milliseconds")
    return text.rstrip("0").rstrip(".")


def word(r, least, most):
    return "".join(r.choices(LETTERS, k=r.randint(least, most)))


class Bids:
    def __init__(self, count, seed):
        self.r = random.Random(seed)
        self.pages = ["/".join(word(self.r, 3, 5) for _ in range(3)) for _ in range(300)]
        self.count = count

    def rows(self):
        """In the order in which they arrive."""
        per_phase = self.count // len(PHASES)
        for number, start in enumerate(PHASES):
            yield from self.phase(ms_of(start), per_phase, number * per_phase)

    def phase(self, start, count, made):
        """About 70 s of bids; times go forth, and some are up to OUT_OF_ORDER behind the latest one."""
        latest = start
        for i in range(count):
            on_time = i == 0 or self.r.random() < 0.5
            if on_time:
                latest = max(latest, start + i * 70_000 // count // 5 * 5)  # equal times and bounds of windows are frequent
            back = 0 if on_time else self.r.choice([OUT_OF_ORDER, self.r.randrange(OUT_OF_ORDER)])
            yield self.bid(latest - back, 1000 + (made + i) // 40)
        # Bidder 7: a gap of 10 s ends a session, one of 9.999 s does not.
        for time in (10_000, 20_000, 29_999, 39_998, 49_998):
            yield {**self.bid(latest + time, 1000), "bidder": 7}

    def bid(self, time, newest_auction):
        r = self.r
        hot = r.random() < 0.5
        auction = newest_auction // 100 * 100 if hot else newest_auction - min(r.randrange(120), newest_auction - 1)
        bidder = r.choice([1000, 1001, 1002]) if r.random() < 0.25 else 1000 + r.randrange(4000)
        channel = r.choice(NAMES) if r.random() < 0.5 else f"channel-{r.randrange(40)}"
        url = r.choice(URLS).format(r.choice(self.pages), r.randrange(10_000))
        extra = r.choice(ODD) if r.random() < 0.02 else word(r, 0, 40)
        return {"auction": auction, "bidder": bidder, "price": self.price(), "channel": channel, "url": url,
                "date_time": as_text(time), "extra": extra}

    def price(self):
        """Some are equal; query 14 looks at 0.908 times the price above 1,000,000 and below 50,000,000."""
        kind = self.r.random()
        if kind < 0.0005:
            return DEAREST
        if kind < 0.1:
            return self.r.choice([9_999, 10_000, 999_999, 1_000_000, 1_101_321, 1_101_322, 55_066_079, 55_066_080])
        return min(int(100 * 10 ** self.r.uniform(0, 6)), DEAREST)
