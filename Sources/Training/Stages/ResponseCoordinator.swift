/// A coordinator that gathers responses which workers drew and scored.
protocol ResponseCoordinator: StageCoordinator {
    /// What came so far, from this start and earlier ones.
    var journal: ItemJournal<SampledResponse> { get }
}

extension ResponseCoordinator {
    var done: Set<ItemKey> { Set(journal.items.map(\.key)) }

    func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] {
        if case .samples(let more) = parcel.header { try journal.append(more) }
        return []
    }
}
