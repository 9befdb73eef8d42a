using System.Net;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Doctor;

/// <summary>What checks look at.</summary>
/// <param name="Options">What <c>mds serve</c> would run with.</param>
/// <param name="Hub">The running hub that was named; null if the settings say where one may run.</param>
internal sealed record DoctorContext(MessageHubOptions Options, EndPoint? Hub, Machine Machine, TimeProvider Time)
{
    /// <summary>The certificates and keys that the settings name.</summary>
    public IReadOnlyList<(string Certificates, string? Key)> CertificateFiles { get; init; } = [];
}

/// <summary>A thing to look at.</summary>
/// <param name="NeedsMachine">Whether it is about the machine that the hub runs on, rather than about a hub somewhere.</param>
internal sealed record DoctorCheck(bool NeedsMachine, Func<DoctorContext, Task<IReadOnlyList<Finding>>> Run)
{
    /// <summary>All checks, in the order in which they are told. A part of the hub that can be looked at adds its own line.</summary>
    public static readonly IReadOnlyList<DoctorCheck> All =
    [
        OnMachine(MachineChecks.FileDescriptors),
        OnMachine(MachineChecks.ConnectionBacklog),
        OnMachine(MachineChecks.Memory),
        OnMachine(MachineChecks.SendBuffer),
        OnMachine(MachineChecks.Clock),
        OnMachine(static context => context.CertificateFiles.SelectMany(files => CertificateCheck.Files(files.Certificates, files.Key, context.Time.GetUtcNow()))),
        new(NeedsMachine: true, HubChecks.PortsAsync),
        new(NeedsMachine: false, HubChecks.ExposureAsync),
        new(NeedsMachine: false, HttpChecks.RunAsync),
    ];

    private static DoctorCheck OnMachine(Func<DoctorContext, IEnumerable<Finding>> check) =>
        new(NeedsMachine: true, context => Task.FromResult<IReadOnlyList<Finding>>([.. check(context)]));
}
