import COpenMPI

/// A group of ranks that exchange messages and take part in collective calls.
///
/// Errors come back as `MPIError`. Collective calls (`barrier`, `allReduce`, `broadcast`, `gather`, `allGather`,
/// `duplicate`, `split`) must be made by all ranks in the same order, and they spin: where ranks may arrive at very
/// different times, meet in `quietBarrier` or wait for a control message first. A communicator with one rank answers
/// every call without MPI.
public final class Communicator {
    /// What messages call it.
    public let name: String
    /// This process's place, `0 ..< size`.
    public let rank: Int
    /// The number of ranks.
    public let size: Int
    /// The rank in `world` of each rank.
    public let worldRanks: [Int]

    /// `nil` in a process without MPI.
    let handle: MPI_Comm?
    private let ownsHandle: Bool
    /// Whether each collective call is preceded by a comparison of what the ranks are about to do (`MPO_MPI_CHECK=1`).
    package internal(set) var isChecked: Bool
    /// Messages of at least so many bytes travel in parts, since MPI counts in `Int32`.
    package var partSize = 1 << 30
    var inbox: [Message] = []
    let outbox = Outbox()
    /// What this process does, as all of its communicators see it.
    let activity: Activity

    /// A world of one rank in a process without MPI.
    init(loneNamed name: String, isChecked: Bool) {
        self.name = name
        self.isChecked = isChecked
        activity = Activity()
        (rank, size, worldRanks, handle, ownsHandle) = (0, 1, [0], nil, false)
    }

    /// MPI's own world, which is never freed.
    convenience init(adoptingWorld handle: MPI_Comm) throws {
        try self.init(handle, name: "world", isChecked: false, ownsHandle: false, activity: Activity())
    }

    private init(_ handle: MPI_Comm, name: String, isChecked: Bool, ownsHandle: Bool, activity: Activity) throws {
        self.activity = activity
        try check(MPI_Comm_set_errhandler(handle, mpo_errors_return()), "error handler", on: name)
        var (rank, size): (Int32, Int32) = (0, 0)
        try check(MPI_Comm_rank(handle, &rank), "rank", on: name)
        try check(MPI_Comm_size(handle, &size), "size", on: name)
        worldRanks = try Self.worldRanks(of: handle, size: size, name: name)
        (self.rank, self.size) = (Int(rank), Int(size))
        (self.name, self.handle, self.isChecked, self.ownsHandle) = (name, handle, isChecked, ownsHandle)
    }

    deinit {
        var finalized: Int32 = 0
        guard ownsHandle, MPI_Finalized(&finalized) == mpo_success(), finalized == 0 else { return }
        var freed = handle
        MPI_Comm_free(&freed)
    }

    /// The same ranks with a message space of their own.
    public func duplicate(name: String) throws -> Communicator {
        guard let handle else { return Communicator(loneNamed: name, isChecked: isChecked) }
        try agree("duplicate")
        var copy: MPI_Comm? = mpo_comm_null()
        try check(MPI_Comm_dup(handle, &copy), "duplicate", on: self.name)
        return try derived(copy, name: name) ?? self
    }

    /// The ranks that gave the same `color`, ordered by `key` and then by their rank here; `nil` for ranks without one.
    public func split(color: Int?, key: Int = 0, name: String) throws -> Communicator? {
        guard let handle else { return color.map { _ in Communicator(loneNamed: name, isChecked: isChecked) } }
        try agree("split")
        var part: MPI_Comm? = mpo_comm_null()
        let code = MPI_Comm_split(handle, color.map(Int32.init) ?? mpo_undefined(), Int32(key), &part)
        try check(code, "split", on: self.name)
        return try derived(part, name: name)
    }

    /// The ranks that share this process's memory: those on its node.
    public func splitShared(name: String = "node") throws -> Communicator {
        guard let handle else { return Communicator(loneNamed: name, isChecked: isChecked) }
        try agree("splitShared")
        var part: MPI_Comm? = mpo_comm_null()
        let code = MPI_Comm_split_type(handle, mpo_type_shared(), Int32(rank), mpo_info_null(), &part)
        try check(code, "split by node", on: self.name)
        guard let node = try derived(part, name: name) else {
            throw MPIError.launch("MPI gave rank \(rank) of '\(self.name)' no node")
        }
        return node
    }

    private func derived(_ handle: MPI_Comm?, name: String) throws -> Communicator? {
        guard let handle, handle != mpo_comm_null() else { return nil }
        return try Communicator(handle, name: name, isChecked: isChecked, ownsHandle: true, activity: activity)
    }

    private static func worldRanks(of handle: MPI_Comm, size: Int32, name: String) throws -> [Int] {
        var (group, world): (MPI_Group?, MPI_Group?) = (nil, nil)
        try check(MPI_Comm_group(handle, &group), "group", on: name)
        defer { MPI_Group_free(&group) }
        try check(MPI_Comm_group(mpo_comm_world(), &world), "group", on: name)
        defer { MPI_Group_free(&world) }
        let own = Array(0..<size)
        var ranks = own
        try check(MPI_Group_translate_ranks(group, size, own, world, &ranks), "rank translation", on: name)
        return ranks.map(Int.init)
    }
}
