using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// A client that asks for a new handshake within TLS 1.2, again and again. This platform's own TLS cannot ask for one, so
/// <c>openssl s_client</c> does; its <c>R</c> is described in openssl-s_client(1).
/// </summary>
internal sealed class TlsRenegotiation : Attack
{
    private const int MostAsked = 20;
    private const string Asked = "RENEGOTIATING";

    // What the client prints for each certificate that it checks, and so again for each handshake.
    private const string Checked = "verify return:";

    public override string Name => "tls-renegotiation";

    public override string Tries => "handshakes asked for within a TLS 1.2 connection (openssl s_client)";

    public override string Wants => "refuse: no second handshake on a connection";

    public override string? DoesNotApply(AttackTarget target) =>
        !target.HasTls ? "the hub does not speak TLS"
        : FindProgram() is null ? "there is no program 'openssl' here to ask for it"
        : null;

    public override async Task RunAsync(AttackScene scene)
    {
        string host = scene.Target.Endpoint.ToString();
        var start = new ProcessStartInfo(FindProgram()!, ["s_client", "-connect", host, "-tls1_2"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var client = Process.Start(start)!;
        var said = new StringBuilder();
        client.OutputDataReceived += (_, line) => Take(line.Data);
        client.ErrorDataReceived += (_, line) => Take(line.Data);
        client.BeginOutputReadLine();
        client.BeginErrorReadLine();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(scene.Over);
        limit.CancelAfter(2 * AttackScene.Promptly);
        try
        {
            scene.Tally.AddOpened();
            for (int i = 0; i < MostAsked; i++)
            {
                await Task.Delay(AttackScene.Promptly / MostAsked, limit.Token).ConfigureAwait(false);
                await client.StandardInput.WriteAsync("R\n".AsMemory(), limit.Token).ConfigureAwait(false);
                await client.StandardInput.FlushAsync(limit.Token).ConfigureAwait(false);
                scene.Tally.AddRequests();
            }

            await client.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // It has gone, or has had its time.
        }

        if (!client.HasExited)
        {
            client.Kill();
        }

        await client.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        Judge(scene, said.ToString());

        void Take(string? line)
        {
            lock (said)
            {
                said.Append(line).Append('\n');
            }
        }
    }

    private static void Judge(AttackScene scene, string said)
    {
        int first = said.IndexOf(Asked, StringComparison.Ordinal);
        int made = first < 0 ? 0 : said.Split(Checked).Length - said[..first].Split(Checked).Length;
        scene.Tally.AddAnswer(made > 0 ? "second handshake" : first < 0 ? "nothing was asked" : "no second handshake");
        if (made > 0)
        {
            scene.Suspect($"the hub made {made.ToString(CultureInfo.InvariantCulture)} more handshakes on one connection");
        }
    }

    private static string? FindProgram() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, "openssl")).FirstOrDefault(File.Exists);
}
