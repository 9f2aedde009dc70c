import Runs
import Stages
import Testing
import Training

@Suite("Numbers, times and tables as people read them")
struct FormattingTests {
    @Test(
        "Durations are read in the forms that schedulers' users write, and nothing else",
        arguments: [
            ("90", 90), ("1.5", 1.5), ("90s", 90), ("15m", 900), ("3h50m", 13_800), ("1d12h", 129_600), ("1h5s", 3605),
            ("", nil), ("h", nil), ("5m3h", nil), ("5m5m", nil), ("3h50", nil), ("-5s", nil), ("1.5h", nil),
            ("nan", nil),
            ("99999999999999999999s", nil),
        ] as [(String, Double?)])
    func durations(text: String, seconds: Double?) {
        #expect(DurationText.seconds(text) == seconds)
    }

    @Test("Sizes have three digits and a unit")
    func bytes() {
        let sizes: [(Int, String)] = [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"), (538_000_000, "513 MiB"),
            (1_048_575, "1.00 MiB"), (3 << 40, "3.00 TiB"), (Int.max, "8.00 EiB"),
        ]
        for (count, text) in sizes { #expect(HumanFormat.bytes(count) == text) }
    }

    @Test("Counts, times and metrics are short")
    func short() {
        #expect([9999, 12_345, 134_515_008, -20_000].map(HumanFormat.count) == ["9999", "12.3k", "135M", "-20.0k"])
        #expect(
            [0.84, 12, 185, 7200, 100_800, .infinity].map { HumanFormat.duration(seconds: $0) }
                == ["0.8s", "12s", "3m05s", "2h00m", "1d04h", "?"])
        #expect(
            [0.69314, 3, 12.345, 123.456, 1e-6, 0, 1e7, -0.5, .nan, -.infinity].map(HumanFormat.metric)
                == ["0.6931", "3", "12.35", "123.5", "1.0e-06", "0", "1.00e+07", "-0.5000", "nan", "-inf"])
    }

    @Test("A table aligns numbers to the right and text to the left")
    func table() {
        var table = TextTable(["policy", "gold", "win rate"])
        table.add(["sft", "0.51", ""])
        table.add(["dpo+ppo", "-12.75", "61.2 % [58.0, 64.3]"])
        #expect(
            table.render() == """
                policy     gold             win rate
                -------  ------  -------------------
                sft        0.51
                dpo+ppo  -12.75  61.2 % [58.0, 64.3]

                """)
    }
}
