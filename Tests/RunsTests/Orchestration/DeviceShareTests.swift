import Runs
import Testing

@Suite("What is told of the devices of a job")
struct DeviceShareTests {
    private func place(_ card: String?, _ identity: String?, host: String = "a", note: String? = nil)
        -> DeviceShare.Place
    {
        DeviceShare.Place(host: host, card: card, identity: identity, note: note)
    }

    @Test("Nothing where nobody has a card")
    func none() {
        #expect(DeviceShare([place(nil, nil), place(nil, nil)]).lines.isEmpty)
    }

    @Test("How many workers and cards there are, and who shares one, by what tells cards of a name apart")
    func shares() {
        let alone = DeviceShare([place(nil, nil), place("H100", "1"), place("H100", "2", host: "b")])
        #expect(alone.lines == ["2 workers on 2 cards (H100)"])
        let shared = DeviceShare([place(nil, nil), place("H100", "1"), place("H100", "2"), place("H100", "1")])
        #expect(shared.lines == ["3 workers on 2 cards (H100), up to 2 on one, whose memory and time they share"])
        let mixed = DeviceShare([place("H100", "1"), place("L4", "2")])
        #expect(mixed.lines == ["1 worker on 1 card (H100)", "1 worker on 1 card (L4)"])
    }

    @Test("Each reason once, with the ranks that have no card for it")
    func notes() {
        let note = "no card can be used"
        let some = DeviceShare([
            place(nil, nil), place("H100", "1"), place(nil, nil, note: note), place(nil, nil, host: "b", note: note),
        ])
        #expect(some.lines == ["1 worker on 1 card (H100)", "warning: rank 2 on a, 3 on b: \(note)"])
        #expect(DeviceShare([place(nil, nil, note: note)]).lines == ["warning: \(note)"])
    }
}
