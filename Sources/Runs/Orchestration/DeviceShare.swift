import Foundation
import MPI
import Torch

/// Which devices the ranks of a job compute on, and what a person should know of it.
package struct DeviceShare: Equatable {
    /// What one rank has found.
    package struct Place: Codable, Equatable {
        package var host: String
        /// The name of its card, and what tells that from others of the name; `nil` on the CPU.
        package var card: String?
        package var identity: String?
        /// Why a rank computes on the CPU that would have taken a card.
        package var note: String?
        /// Why it has no card that was asked for.
        package var failure: String?

        package init(host: String, card: String? = nil, identity: String? = nil, note: String? = nil) {
            (self.host, self.card, self.identity, self.note) = (host, card, identity, note)
        }
    }

    /// By rank.
    package let places: [Place]

    package init(_ places: [Place]) { self.places = places }

    /// Finds this rank's device, which is then `own`, and what all others have found; all of them call this together.
    ///
    /// - Throws: ``RunError/other(_:)``, on all ranks, where one has no card that was asked for.
    package static func find(
        _ choice: DeviceChoice, localRank: Int, isDeterministic: Bool, over control: Communicator
    ) throws -> (own: Device, all: DeviceShare) {
        var (own, place) = (Device.cpu, Place(host: LaunchEnvironment.hostName))
        do {
            let finding = try TorchRuntime.device(choice, localRank: localRank, isDeterministic: isDeterministic)
            own = finding.device
            (place.card, place.identity) = (TorchRuntime.name(of: own), TorchRuntime.identity(of: own))
            place.note = finding.note
        } catch {
            place.failure = error.description
        }
        let all = try control.allGather(Array(try JSONEncoder().encode(place))).map {
            try JSONDecoder().decode(Place.self, from: Data($0))
        }
        if let rank = all.firstIndex(where: { $0.failure != nil }), let failure = all[rank].failure {
            throw RunError.other(all.count == 1 ? failure : "rank \(rank) on \(all[rank].host): \(failure)")
        }
        return (own, DeviceShare(all))
    }

    /// Nothing where nobody has a card or would have taken one; else who shares which cards, and who has none.
    package var lines: [String] {
        var cards: [(name: String, workers: Int)] = []
        for card in Dictionary(grouping: places.filter { $0.card != nil }, by: \.identity).values {
            cards.append((card[0].card ?? "", card.count))
        }
        var lines = Dictionary(grouping: cards, by: \.name).sorted { $0.key < $1.key }.map { name, cards in
            let workers = cards.map(\.workers).reduce(0, +)
            let most = cards.map(\.workers).max() ?? 0
            return "\(HumanFormat.counted(workers, "worker")) on \(HumanFormat.counted(cards.count, "card")) (\(name))"
                + (most > 1 ? ", up to \(most) on one, whose memory and time they share" : "")
        }
        let notes = Dictionary(grouping: places.enumerated().filter { $1.note != nil }) { $1.note ?? "" }
        for (note, ranks) in notes.sorted(by: { $0.value[0].offset < $1.value[0].offset }) {
            let who = ranks.map { "\($0.offset) on \($0.element.host)" }.joined(separator: ", ")
            lines.append(places.count == 1 ? "warning: \(note)" : "warning: rank \(who): \(note)")
        }
        return lines
    }
}
