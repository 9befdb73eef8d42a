using System.CommandLine;
using System.Net;
using MessageDelivery.Cli.Doctor;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds doctor</c>: whether this machine is fit for a hub, and whether a running one is as it should be.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var hub = new Argument<string?>("HOST:PORT")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Look at the hub that is running there, and not at this machine.",
        };
        var json = new Option<bool>("--json") { Description = "Print the findings as one JSON object." };
        var options = new ServeOptions();
        var command = new Command("doctor", "Check a machine for running a hub, or a running hub.") { hub, json };
        options.AddTo(command);
        CommandHelp.Add(
            command,
            """
            Takes the options of 'mds serve', and reads the environment and the configuration file as that does. Looks at file
            descriptors, the kernel's backlog, memory and buffers, the clock, certificates, the ports, and at what a stranger gets
            from the hub that is running there, over text and binary, with TLS and without. It connects a few times as a user and
            changes nothing. Each finding is ok, warn or fail, with what to do.

            Exit codes: 0 nothing has failed, though there may be warnings; 1 something has; 2 the settings are wrong.
            """,
            "mds doctor --config /etc/mds/mds.json",
            "mds doctor hub.example:8888 --json");
        command.SetAction(async (arguments, _) => (int)await RunAsync(
            arguments.GetValue(hub), arguments.GetValue(json), options.Read(arguments)));
        return command;
    }

    private static async Task<ExitCode> RunAsync(string? hub, bool json, SettingsLoader loader)
    {
        var loaded = loader.Load();
        var settings = loaded.Settings;
        var context = new DoctorContext(settings.Hub, Parse(hub), new Machine(), TimeProvider.System)
        {
            CertificateFiles = settings.Tls.Certificate is { } certificate ? [(certificate, settings.Tls.Key ?? certificate)] : [],
        };
        var findings = new List<Finding>();
        if (loaded.ServiceLinks.Count > 0)
        {
            findings.Add(new(
                "environment", FindingLevel.Ok, $"ignored, since Kubernetes sets them for its services: {OneLine.Of(string.Join(", ", loaded.ServiceLinks))}"));
        }

        foreach (var check in DoctorCheck.All.Where(check => context.Hub is null || !check.NeedsMachine))
        {
            findings.AddRange(await check.Run(context));
        }

        if (json)
        {
            JsonOutput.Write(
                new PrintedFindings([.. findings.Select(finding => new PrintedFinding(finding.Check, Name(finding.Level), finding.Text, finding.Remedy))]),
                OutputJson.Default.PrintedFindings);
        }
        else
        {
            WriteText(findings);
        }

        return findings.Exists(finding => finding.Level == FindingLevel.Fail) ? ExitCode.CheckFailed : ExitCode.Ok;
    }

    private static EndPoint? Parse(string? hub)
    {
        if (hub is null)
        {
            return null;
        }

        try
        {
            var options = HubClientOptions.Parse(hub);
            return IPAddress.TryParse(options.Host, out var address) ? new IPEndPoint(address, options.Port) : new DnsEndPoint(options.Host, options.Port);
        }
        catch (FormatException exception)
        {
            throw new CommandException(ExitCode.Usage, $"HOST:PORT: {exception.Message}");
        }
    }

    private static void WriteText(List<Finding> findings)
    {
        int width = findings.Select(finding => finding.Check.Length).DefaultIfEmpty().Max();
        foreach (var finding in findings)
        {
            Console.Out.WriteLine($"{Name(finding.Level),-4}  {finding.Check.PadRight(width)}  {finding.Text}");
            if (finding.Remedy is not null)
            {
                Console.Out.WriteLine($"      {"".PadRight(width)}  -> {finding.Remedy}");
            }
        }
    }

    private static string Name(FindingLevel level) => level.ToString().ToLowerInvariant();
}
