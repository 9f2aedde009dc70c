import Foundation
import Testing
import Torch
import Transformers

@Suite("Loads of routers against transformers")
struct RouterLoadTests {
    private static let families = ["mixtral", "qwen3_moe", "gpt_oss"]

    /// `routers.json` of a fixture: the load-balancing loss of all cases in one batch, and its gradient.
    private struct Expected: Decodable {
        let loss: Double
        let norms: [String: Double]

        enum CodingKeys: String, CodingKey {
            case loss = "aux_loss"
            case norms
        }

        init(_ fixture: ModelFixture) throws {
            self = try JSONDecoder().decode(
                Self.self, from: Data(contentsOf: fixture.url.appending(path: "routers.json")))
        }
    }

    @Test("The load-balancing loss of all rows is transformers', in one pass or several", arguments: families)
    func loss(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        let expected = try Expected(fixture)
        let load = try load(of: decoder, fixture)
        #expect(abs(load.loss - expected.loss) < 1e-5 * expected.loss)
        #expect(load.largestShare > 1 / Double(load.choices.count) && load.largestShare < 1)
        var parts = RouterLoad(experts: load.choices.count)
        for tokens in fixture.expected.cases.map(\.tokens) {
            var rows = PackedRows()
            rows.append(tokens)
            let part = try self.load(of: decoder, rows)
            parts.sums = zip(parts.sums, part.sums).map(+)
        }
        #expect(parts.choices == load.choices && parts.rows == load.rows)
        #expect(abs(parts.loss - load.loss) < 1e-6)
    }

    @Test(
        "Its gradient has transformers' norm in each parameter, with activations kept or computed anew",
        arguments: families, [false, true])
    func gradient(name: String, recomputes: Bool) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder(trainable: true)
        let expected = try Expected(fixture)
        let load = try load(of: decoder, fixture)
        decoder.recomputesActivations = recomputes
        let record = RouterRecord(experts: load.choices.count, gradient: load.slopes)
        decoder.routing = record
        // A loss of its own has no gradient.
        (decoder.hiddenStates(rows(fixture), at: [0]).sum() * 0).backward()
        #expect(record.load == load, "rows are counted once")
        let group = decoder.parameters.groups[0]
        let gradients = try #require(group.gradients)
        for entry in group.entries {
            let (name, norm) = (entry.declaration.name, gradients.narrowed(0, entry.range).norm())
            let wanted = try #require(expected.norms[name])
            #expect(abs(norm - wanted) <= 1e-4 * wanted + 1e-9, "\(name): \(norm), \(wanted)")
        }
    }

    @Test("Rows of a shared prompt count once for each sequence that goes on from them", arguments: families)
    func sharedPrompt(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        let tokens = fixture.expected.cases[4].tokens
        let (prompt, first, second) = (tokens.prefix(20), tokens[20..<33], tokens[33...])
        var (shared, whole) = (PackedRows(), PackedRows())
        let front = shared.append(prompt)
        for response in [first, second] {
            shared.append(response, after: front)
            whole.append(prompt + response)
        }
        let (packed, apart) = try (load(of: decoder, shared), load(of: decoder, whole))
        #expect(packed.choices == apart.choices && packed.rows == apart.rows)
        #expect(zip(packed.sums, apart.sums).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    private func rows(_ fixture: ModelFixture) -> PackedRows {
        var rows = PackedRows()
        for expected in fixture.expected.cases { rows.append(expected.tokens) }
        return rows
    }

    private func load(of decoder: DecoderModel, _ fixture: ModelFixture) throws -> RouterLoad {
        try load(of: decoder, rows(fixture))
    }

    private func load(of decoder: DecoderModel, _ rows: PackedRows) throws -> RouterLoad {
        let record = RouterRecord(experts: try #require(decoder.specification.expertCount))
        decoder.routing = record
        defer { decoder.routing = nil }
        // Those that are asked for are no others than those that count.
        _ = withoutGradients { decoder.hiddenStates(rows, at: []) }
        return record.load
    }
}
