using System.Globalization;
using System.Net;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>A hub in a process of its own, <c>mds serve --port 0</c>, and the commands that talk to it.</summary>
internal sealed class HubProcess : IAsyncDisposable
{
    private const string Ready = "listening on ";

    private HubProcess(MdsProcess mds, IPEndPoint endpoint)
    {
        Mds = mds;
        Endpoint = endpoint;
    }

    public MdsProcess Mds { get; }

    public IPEndPoint Endpoint { get; }

    public static Task<HubProcess> StartAsync(params string[] options) => StartAsync(["serve", "--port", "0", .. options], null);

    public static async Task<HubProcess> StartAsync(
        string[] arguments, IReadOnlyDictionary<string, string>? environment, string? directory = null, int? openFiles = null, string? shell = null)
    {
        var mds = MdsProcess.Start(arguments, environment, directory, readsLines: true, openFiles, shell: shell);
        string? line = await mds.ReadLineAsync();
        if (line is null)
        {
            throw new InvalidOperationException($"No hub: {(await mds.EndAsync()).Error}");
        }

        Assert.StartsWith(Ready, line, StringComparison.Ordinal);
        return new(mds, IPEndPoint.Parse(line[Ready.Length..]));
    }

    /// <summary>Runs a client verb against this hub to its end.</summary>
    public Task<MdsResult> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    /// <summary>Runs a client verb against this hub with something on standard input.</summary>
    public Task<MdsResult> RunAsync(string[] arguments, byte[] input) => MdsProcess.RunAsync(AtThisHub(arguments), input);

    /// <summary>Starts a client verb that goes on.</summary>
    public MdsProcess Start(params string[] arguments) => MdsProcess.Start(AtThisHub(arguments));

    /// <summary>Starts a client verb whose output is read line by line.</summary>
    public MdsProcess StartReadingLines(params string[] arguments) => MdsProcess.Start(AtThisHub(arguments), readsLines: true);

    /// <summary>Starts <c>mds listen</c> and tells its id.</summary>
    public async Task<(MdsProcess Listener, string Id)> ListenAsync(params string[] options)
    {
        var listener = Start(["listen", .. options]);
        string id = await listener.WaitForErrorAsync("listening as user ");
        Assert.True(ulong.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return (listener, id);
    }

    /// <summary>How many descriptors the process has (proc(5)).</summary>
    public int OpenFiles() => Directory.EnumerateFileSystemEntries($"/proc/{Mds.Id}/fd").Count();

    /// <summary>It has soon no more descriptors than that.</summary>
    public async Task ExpectOpenFilesAsync(int max)
    {
        for (int i = 0; OpenFiles() > max; i++)
        {
            Assert.True(i < 100, $"There are {OpenFiles()} descriptors, and at most {max} are expected.");
            await Task.Delay(i < 10 ? 10 : 100);
        }
    }

    public ValueTask DisposeAsync() => Mds.DisposeAsync();

    private string[] AtThisHub(string[] arguments) => [arguments[0], "--hub", $"{Endpoint}", .. arguments[1..]];
}
