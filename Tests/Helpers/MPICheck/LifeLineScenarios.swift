import Foundation
import MPI

/// Rank 1 computes, rank 2 sleeps, rank 3 is stopped, rank 4 waits for a disk that gives little, and rank 5 for a program that
/// answers: rank zero tells those that get on from those that do not, and both from one that is silent.
func signsOfLife(_ runtime: MPIRuntime) throws -> Int32 {
    let line = try LifeLine(over: runtime.world, timeout: 60)
    try expect(line?.warning == nil, line?.warning ?? "no line")
    let process = ProcessInfo.processInfo.processIdentifier
    let start = Date()
    switch runtime.world.rank {
    case 0:
        Thread.sleep(forTimeInterval: 4)
        let found = (1...5).map { rank in
            (line?.silence(of: rank) ?? 0) > 2 ? "silent" : line?.isWorking(rank) == true ? "working" : "waiting"
        }
        print(found.joined(separator: " "))
    case 1:
        while Date().timeIntervalSince(start) < 6 {}
    case 3:
        let waker = Process()
        waker.executableURL = URL(filePath: "/bin/sh")
        waker.arguments = ["-c", "sleep 5; kill -CONT \(process)"]
        try waker.run()
        kill(process, SIGSTOP)
    case 4:
        let disk = FileHandle(forWritingAtPath: "/dev/null")
        while Date().timeIntervalSince(start) < 5 {
            try disk?.write(contentsOf: [UInt8](repeating: 0, count: 1 << 14))
            Thread.sleep(forTimeInterval: 0.5)
        }
    case 5:
        while Date().timeIntervalSince(start) < 5 {
            runtime.world.noteProgress()
            Thread.sleep(forTimeInterval: 0.5)
        }
    default: break
    }
    try runtime.world.quietBarrier()
    line?.end()
    return 0
}

/// Rank zero falls silent while the others are in a collective call that never ends.
func severed(_ runtime: MPIRuntime) throws -> Int32 {
    let line = try LifeLine(over: runtime.world, timeout: 2)
    if runtime.world.rank == 0 {
        line?.end()
        Thread.sleep(forTimeInterval: 30)
    }
    try runtime.world.barrier()
    return 0
}
