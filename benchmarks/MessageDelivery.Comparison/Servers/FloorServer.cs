using System.Globalization;

namespace MessageDelivery.Comparison.Servers;

/// <summary>The least that a hub for this wire format can do: benchmarks/floor/floor.c.</summary>
internal sealed class FloorServer() : Server("floor", "floor (C)", "mds")
{
    public override string Configuration => "compiled with `cc -O2`; no sessions, checks, limits or log";

    public override Launch LaunchAt(int port, string folder) => new(Artifact("floor"), port.ToString(CultureInfo.InvariantCulture));

    public override string ReadVersion() => $"floor.c, {FirstLine("cc", "--version")}";
}
