using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>A Prometheus of Debian's that scrapes one hub, several times a second, as a process with a folder of its own.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly Task<string> _log;
    private readonly string _folder;
    private readonly HttpClient _client;

    private PrometheusServer(Process process, string folder, int port)
    {
        _process = process;
        _log = process.StandardError.ReadToEndAsync();
        _folder = folder;
        _client = new() { BaseAddress = new($"http://127.0.0.1:{port}/"), Timeout = Patience };
    }

    /// <summary>Starts it; completes when it has scraped the hub twice.</summary>
    /// <param name="secret">The administrator's token that it shows; null is none.</param>
    public static async Task<PrometheusServer> StartAsync(IPEndPoint hub, string? secret = null)
    {
        string folder = Directory.CreateTempSubdirectory("mds-prometheus").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "secret"), secret ?? "");
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), $$"""
            global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }
            rule_files: [ {{CommandLine.Repository.File("packaging/prometheus/mds.rules.yml")}} ]
            scrape_configs:
              - job_name: mds
                {{(secret is null ? "" : "authorization: { credentials_file: secret }")}}
                static_configs: [ { targets: [ "{{hub}}" ] } ]
            """);
        int port = FreePort();
        var process = Process.Start(new ProcessStartInfo(
            "prometheus",
            [$"--config.file={folder}/prometheus.yml", $"--storage.tsdb.path={folder}/data", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        }) ?? throw new InvalidOperationException("prometheus did not start.");
        var server = new PrometheusServer(process, folder, port);
        try
        {
            await server.WaitAsync("count_over_time(up{job=\"mds\"}[1m]) >= 2");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs promtool with something on its standard input; what it says on standard error.</summary>
    public static async Task<(int ExitCode, string Said)> PromtoolAsync(string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("promtool", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        await output;
        return (process.ExitCode, await error);
    }

    /// <summary>What an expression gives now: one element for each series.</summary>
    public async Task<IReadOnlyList<JsonElement>> QueryAsync(string expression)
    {
        using var form = new FormUrlEncodedContent([new("query", expression)]);
        using var response = await _client.PostAsync(new Uri("api/v1/query", UriKind.Relative), form);
        var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.True(answer.GetProperty("status").GetString() == "success", $"{expression}: {answer}");
        var result = answer.GetProperty("data").GetProperty("result");
        return answer.GetProperty("data").GetProperty("resultType").GetString() == "vector" ? [.. result.EnumerateArray()] : [result];
    }

    /// <summary>What the server tells of something, such as its rules.</summary>
    public async Task<JsonElement> GetAsync(string path) =>
        JsonDocument.Parse(await _client.GetStringAsync(new Uri(path, UriKind.Relative))).RootElement.GetProperty("data");

    /// <summary>Waits until an expression gives something.</summary>
    public async Task WaitAsync(string expression)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Assert.False(_process.HasExited, _process.HasExited ? await _log : "");
            try
            {
                if ((await QueryAsync(expression)).Count > 0)
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or JsonException)
            {
                // It does not answer yet.
            }

            await Task.Delay(50, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        await _log;
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
