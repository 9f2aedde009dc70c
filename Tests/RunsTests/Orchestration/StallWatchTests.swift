import Runs
import Stages
import Testing
import Training

@Suite("Watching for stalls")
struct StallWatchTests {
    /// Two ranks whose state and clock a test sets.
    private final class World {
        var time = 0.0
        var silence = [0.0, 0.0]
        var isWorking = [false, false]

        func watch() -> StallWatch {
            let ranks = (0...1).map { index in
                WatchedRank(
                    name: "rank \(index + 1) on node\(index + 1)", silence: { self.silence[index] },
                    isWorking: { self.isWorking[index] })
            }
            return StallWatch(ranks, warning: 10, timeout: 100, clock: { self.time })
        }
    }

    @Test("A wait without a report is told with who is at work and who waits, ever more seldom")
    func warnings() throws {
        let world = World()
        let watch = world.watch()
        world.isWorking = [false, true]
        var told: [Double: String] = [:]
        for second in 1...50 {
            world.time = Double(second)
            if let line = try watch.check() { told[world.time] = line }
        }
        #expect(told.keys.sorted() == [11, 21, 41])
        #expect(told[11] == "nothing reported for 11s; at work: rank 2 on node2; waiting: rank 1 on node1")
        watch.reset()
        world.time += 9
        #expect(try watch.check() == nil)
    }

    @Test("A long step is no stall while a rank gets on; once none does, the run ends after the time")
    func progress() throws {
        let world = World()
        let watch = world.watch()
        world.isWorking = [true, false]
        for second in stride(from: 0.0, to: 1000, by: 10) {
            world.time = second
            _ = try watch.check()
        }
        world.isWorking = [false, false]
        world.time += 100
        _ = try watch.check()
        world.time += 1
        #expect(throws: StallError.still(["rank 1 on node1", "rank 2 on node2"], seconds: 100)) { try watch.check() }
    }

    @Test("A rank without a sign of life ends the run, whatever the others do")
    func silence() throws {
        let world = World()
        let watch = world.watch()
        world.isWorking = [true, true]
        world.silence[1] = 100
        _ = try watch.check()
        world.silence[1] = 101
        #expect(throws: StallError.silent(["rank 2 on node2"], seconds: 100)) { try watch.check() }
    }
}
