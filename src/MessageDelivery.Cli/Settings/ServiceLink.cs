using System.Text.RegularExpressions;

namespace MessageDelivery.Cli.Settings;

/// <summary>
/// The variables that Kubernetes sets in every container for each service. Those of a service named <c>mds</c>, or <c>mds-…</c>, begin as
/// settings do: <c>MDS_PORT=tcp://10.0.0.1:8888</c>, <c>MDS_SERVICE_HOST</c>, <c>MDS_PORT_8888_TCP_ADDR</c>.
/// </summary>
internal static partial class ServiceLink
{
    /// <summary>Whether a variable is one of those. <c>MDS_PORT</c> with a number is the setting.</summary>
    public static bool Is(string name, string value) => ByName().IsMatch(name) || (PortByName().IsMatch(name) && Address().IsMatch(value));

    [GeneratedRegex("^MDS_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$", RegexOptions.CultureInvariant)]
    private static partial Regex ByName();

    [GeneratedRegex("^MDS_([A-Z0-9_]+_)?PORT$", RegexOptions.CultureInvariant)]
    private static partial Regex PortByName();

    [GeneratedRegex("^(tcp|udp|sctp)://", RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}
