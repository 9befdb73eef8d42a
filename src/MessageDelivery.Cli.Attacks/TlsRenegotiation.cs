using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// A client that asks for a new handshake within TLS 1.2, again and again. This platform's own TLS cannot ask for one, so
/// <c>openssl s_client</c> does; its <c>R</c> is described in openssl-s_client(1).
/// </summary>
internal sealed class TlsRenegotiation() : Attack(
    "tls-renegotiation",
    "handshakes asked for within a TLS 1.2 connection (openssl s_client)",
    "refuse: no second handshake on a connection")
{
    private const int MaxAsked = 20;
    private static readonly TimeSpan MaxTime = 4 * AttackScene.Promptly;

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
        var said = new OpenSslOutput();
        client.OutputDataReceived += (_, line) => said.Add(line.Data);
        client.ErrorDataReceived += (_, line) => said.Add(line.Data);
        client.BeginOutputReadLine();
        client.BeginErrorReadLine();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(scene.Interrupted);
        limit.CancelAfter(MaxTime);
        try
        {
            // What is asked before the first handshake is done is no second one.
            await said.Connected.WaitAsync(limit.Token);
            scene.Tally.AddOpened();
            for (int i = 0; i < MaxAsked && said.SecondHandshakes == 0; i++)
            {
                await client.StandardInput.WriteAsync("R\n".AsMemory(), limit.Token);
                await client.StandardInput.FlushAsync(limit.Token);
                scene.Tally.AddRequests();
                await Task.Delay(AttackScene.Promptly / MaxAsked, limit.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // It has gone, or has had its time.
        }

        client.Kill();
        await client.WaitForExitAsync(CancellationToken.None);
        scene.Interrupted.ThrowIfCancellationRequested();
        int made = said.SecondHandshakes;
        scene.Tally.AddAnswer(made > 0 ? "second handshake" : said.WasAsked ? "no second handshake" : "nothing was asked");
        if (made > 0)
        {
            scene.Suspect($"the hub made {made.ToString(CultureInfo.InvariantCulture)} more handshakes on one connection");
        }
    }

    private static string? FindProgram() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, "openssl")).FirstOrDefault(File.Exists);

    /// <summary>What <c>openssl s_client</c> prints. Safe to call from any thread.</summary>
    private sealed class OpenSslOutput
    {
        private const string Asked = "RENEGOTIATING";

        // Printed for each certificate that it checks, and so again for each handshake.
        private const string Checked = "verify return:";

        private readonly Lock _lock = new();
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _wasAsked;
        private int _secondHandshakes;

        /// <summary>Completes when it shows the session of its first handshake; fails when it ends without one.</summary>
        public Task Connected => _connected.Task;

        public bool WasAsked
        {
            get
            {
                lock (_lock)
                {
                    return _wasAsked;
                }
            }
        }

        public int SecondHandshakes
        {
            get
            {
                lock (_lock)
                {
                    return _secondHandshakes;
                }
            }
        }

        public void Add(string? line)
        {
            if (line is null)
            {
                _connected.TrySetException(new IOException("It ended without a handshake."));
                return;
            }

            lock (_lock)
            {
                _wasAsked |= line.Contains(Asked, StringComparison.Ordinal);
                _secondHandshakes += _wasAsked && line.Contains(Checked, StringComparison.Ordinal) ? 1 : 0;
            }

            // The last lines about the session that was agreed on.
            if (line.TrimStart().StartsWith("Verify return code:", StringComparison.Ordinal))
            {
                _connected.TrySetResult();
            }
        }
    }
}
