"""The Nexmark queries as PostgreSQL computes them over the table `bid`, written from the benchmark's definition.

Source: github.com/nexmark/nexmark (nexmark-flink/src/main/resources/queries), and Apache Beam's Nexmark suite for
q5, q7, q11 and q12. What the definition leaves open is settled as the documentation of the operators says: windows
are half-open (docs/semantics.md), rows that an order leaves equal go by their other columns, ascending.
"""

ROW = "auction, bidder, price, channel, url, date_time, extra"
TIES = "auction, bidder, price, channel, url, date_time, extra"
SLICE = "date_bin('{}', date_time, timestamp '1970-01-01')"
RANKS = [("rank1", "price < 10000"), ("rank2", "price >= 10000 AND price < 1000000"), ("rank3", "price >= 1000000")]


def counts(what, name):
    return [f"count({what}) AS total_{name}"] + [
        f"count({what}) FILTER (WHERE {where}) AS {rank}_{name}" for rank, where in RANKS]


BIDS = ", ".join(counts("*", "bids"))
DISTINCT = ", ".join([BIDS, *counts("DISTINCT bidder", "bidders"), *counts("DISTINCT auction", "auctions")])
DAY = "to_char(date_time, 'YYYY-MM-DD')"
CHANNEL_ID = "(regexp_match(url, '(&|^)channel_id=([^&]*)'))[2]"

QUERIES = {
    "q0": "SELECT auction, bidder, price, date_time, extra FROM bid",
    "q1": "SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE mod(auction, 123) = 0",
    # Each bid in the five windows of 10 s, one every 2 s, that it is in; all auctions with the most bids.
    "q5": f"""
        WITH counted AS (
          SELECT auction, start AS window_start, start + interval '10 s' AS window_end, count(*) AS num
          FROM bid, generate_series({SLICE.format('2 s')} - interval '8 s', {SLICE.format('2 s')}, interval '2 s') start
          GROUP BY auction, start)
        SELECT window_start, window_end, auction, num
        FROM (SELECT *, max(num) OVER (PARTITION BY window_start) AS most FROM counted) c WHERE num = most""",
    # All bids of the highest price of their 10 s.
    "q7": f"""
        WITH highest AS (
          SELECT {SLICE.format('10 s')} AS start, max(price) AS price FROM bid GROUP BY 1)
        SELECT b.auction, b.bidder, b.price, b.date_time, b.extra
        FROM bid b JOIN highest h ON b.price = h.price
          AND b.date_time >= h.start AND b.date_time < h.start + interval '10 s'""",
    "q11": """
        WITH marked AS (
          SELECT bidder, date_time,
            coalesce(date_time - lag(date_time) OVER by_time >= interval '10 s', true)::int AS begins
          FROM bid WINDOW by_time AS (PARTITION BY bidder ORDER BY date_time)),
        numbered AS (
          SELECT *, sum(begins) OVER (PARTITION BY bidder ORDER BY date_time, begins DESC ROWS UNBOUNDED PRECEDING) AS session
          FROM marked)
        SELECT bidder, count(*) AS bid_count, min(date_time) AS window_start,
          max(date_time) + interval '10 s' AS window_end
        FROM numbered GROUP BY bidder, session""",
    # Windows of processing time differ from run to run: all bids of a bidder, whatever windows they are in.
    "q12": "SELECT bidder, count(*) AS bid_count FROM bid GROUP BY bidder",
    "q14": """
        SELECT auction, bidder, 0.908 * price AS price,
          CASE WHEN extract(hour FROM date_time) BETWEEN 8 AND 18 THEN 'dayTime'
            WHEN extract(hour FROM date_time) <= 6 OR extract(hour FROM date_time) >= 20 THEN 'nightTime'
            ELSE 'otherTime' END AS bid_time_type,
          date_time, extra, regexp_count(extra, 'c') AS c_counts
        FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000""",
    "q15": f"SELECT {DAY} AS day, {DISTINCT} FROM bid GROUP BY day",
    "q16": f"SELECT channel, {DAY} AS day, max(to_char(date_time, 'HH24:MI')) AS minute, {DISTINCT} "
           "FROM bid GROUP BY channel, day",
    "q17": f"SELECT auction, {DAY} AS day, {BIDS}, min(price) AS min_price, max(price) AS max_price, "
           "avg(price) AS avg_price, sum(price) AS sum_price FROM bid GROUP BY auction, day",
    "q18": f"""
        SELECT {ROW} FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction
          ORDER BY date_time DESC, {TIES}) AS rank_number FROM bid) r WHERE rank_number <= 1""",
    "q19": f"""
        SELECT * FROM (SELECT {ROW}, row_number() OVER (PARTITION BY auction
          ORDER BY price DESC, {TIES}) AS rank_number FROM bid) r WHERE rank_number <= 10""",
    "q21": f"""
        SELECT auction, bidder, price, channel,
          CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2'
            WHEN 'baidu' THEN '3' ELSE {CHANNEL_ID} END AS channel_id
        FROM bid WHERE {CHANNEL_ID} IS NOT NULL OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')""",
    "q22": "SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, "
           "split_part(url, '/', 5) AS dir2, split_part(url, '/', 6) AS dir3 FROM bid",
}
