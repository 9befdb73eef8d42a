using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What a run of the command left behind.</summary>
internal sealed record MdsResult(int ExitCode, byte[] Output, string Error)
{
    public string Text => Encoding.UTF8.GetString(Output);
}

/// <summary>
/// The program <c>mds</c> as a process, in a directory and an environment of its own: the one built with these tests, or the one that
/// <c>TEST_PROGRAM</c> in the environment names; or another one of ours. Disposing ends it and waits for it.
/// </summary>
internal sealed partial class MdsProcess : IAsyncDisposable
{
    /// <summary>The trait of all tests that run the program, so that they can be run for another build of it.</summary>
    public const string Trait = "Through", TraitValue = "program";

    /// <summary>The program with its arguments, for a shell.</summary>
    public const string Exec = "exec \"$0\" \"$@\"";

    public const int SigHup = 1;
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    public static readonly string Program =
        Environment.GetEnvironmentVariable("TEST_PROGRAM") is { Length: > 0 } named ? named : Path.Combine(AppContext.BaseDirectory, "mds");

    private readonly Process _process;
    private readonly Task<byte[]> _output;
    private readonly Task<string> _error;
    private readonly StringBuilder _errorSoFar = new();

    private MdsProcess(Process process, bool readsLines)
    {
        _process = process;
        _output = readsLines ? Task.FromResult<byte[]>([]) : ReadAllAsync(process.StandardOutput.BaseStream);
        _error = ReadErrorAsync();
    }

    /// <summary>Lines of stderr so far.</summary>
    public string Error
    {
        get
        {
            lock (_errorSoFar)
            {
                return _errorSoFar.ToString();
            }
        }
    }

    public int Id => _process.Id;

    /// <summary>Completes when it has ended.</summary>
    public Task Ended => _process.WaitForExitAsync();

    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>
    /// Starts it. With <paramref name="readsLines"/> its output is read by <see cref="ReadLineAsync"/>; with
    /// <paramref name="openFiles"/> it may have no more file descriptors than that.
    /// </summary>
    /// <param name="shell">How a shell starts it, with <see cref="Exec"/> in it: limits and redirections that only a shell can set.</param>
    public static MdsProcess Start(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? directory = null,
        bool readsLines = false,
        int? openFiles = null,
        string? program = null,
        string? shell = null)
    {
        string path = program is null ? Program : Path.Combine(AppContext.BaseDirectory, program);
        shell ??= openFiles is null ? null : $"ulimit -n {openFiles} && {Exec}";
        string[] command = shell is null ? [path, .. arguments] : ["/bin/sh", "-c", shell, path, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = directory ?? Path.GetTempPath(),
        };
        foreach (string name in start.Environment.Keys.Where(key => key.StartsWith("MDS_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        // The apphost looks for the runtime where the tests' own came from.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new(Process.Start(start) ?? throw new InvalidOperationException("mds did not start."), readsLines);
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<MdsResult> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    /// <summary>Runs it to its end with something on standard input.</summary>
    public static async Task<MdsResult> RunAsync(
        IEnumerable<string> arguments, byte[] input, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        await using var mds = Start(arguments, environment, directory);
        try
        {
            await mds.Input.WriteAsync(input);
        }
        catch (IOException)
        {
            // It did not want all of it.
        }

        return await mds.EndAsync();
    }

    /// <summary>The next line of its output; null at the end.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);

    /// <summary>Waits until so many lines of stderr have a text, and returns what follows it in the last of them.</summary>
    public async Task<string> WaitForErrorAsync(string text, int count = 1)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            bool isAll = _error.IsCompleted;
            string? line = Error.Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal)).ElementAtOrDefault(count - 1);
            if (line is not null)
            {
                return line[(line.IndexOf(text, StringComparison.Ordinal) + text.Length)..];
            }

            if (isAll)
            {
                throw new InvalidOperationException($"mds ended without saying '{text}': {Error}");
            }

            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Stops reading its output, as <c>head</c> does when it has enough.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Closes its input and waits for its end.</summary>
    public async Task<MdsResult> EndAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone already.
        }

        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return new(_process.ExitCode, await _output, await _error);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        await _output;
        await _error;
        _process.Dispose();
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    private async Task<string> ReadErrorAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errorSoFar)
            {
                _errorSoFar.Append(line).Append('\n');
            }
        }

        return Error;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
