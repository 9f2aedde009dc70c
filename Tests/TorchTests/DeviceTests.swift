import Testing
import Torch

/// What a LibTorch for CPUs says where a card is asked for; cards themselves are for `Tests/Device/run`.
@Suite struct DeviceTests {
    @Test("A LibTorch for CPUs computes on the CPU unless a card is asked for, which it refuses in one line")
    func withoutCards() throws {
        for choice in [DeviceChoice.auto, .cpu] {
            let finding = try TorchRuntime.device(choice)
            #expect(finding.device == .cpu && finding.note == nil)
        }
        let error = #expect(throws: DeviceError.self) { try TorchRuntime.device(.cuda) }
        #expect(error?.description.contains("was built for CPUs alone") == true)
        #expect(error?.description.contains("device: cpu") == true && error?.description.contains("\n") == false)
        #expect(TorchRuntime.name(of: .cpu) == nil)
    }

    @Test("The library that was loaded is of the version that the program was built for")
    func version() throws { try TorchRuntime.check() }
}
