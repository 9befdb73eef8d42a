using System.Runtime.InteropServices;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// SIGTERM, SIGINT and SIGHUP for a hub, from the first line of <c>mds serve</c> on: what comes before the hub can act on it is remembered. Any
/// number of SIGHUP that come during a reload are one more reload.
/// </summary>
internal sealed class ServeSignals : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Action? _stop;
    private Action? _reload;
    private int _stops;
    private bool _mustReload;
    private bool _isReloading;

    public ServeSignals()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Take(context, Stop)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Take(context, Stop)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Take(context, Reload)));
    }

    /// <summary>From now on a signal to stop calls this, and once for each that has come.</summary>
    public void OnStop(Action stop)
    {
        int early;
        lock (_lock)
        {
            _stop = stop;
            early = _stops;
        }

        for (; early > 0; early--)
        {
            stop();
        }
    }

    /// <summary>From now on SIGHUP calls this, one call at a time, and at once if one has come.</summary>
    public void OnReload(Action reload)
    {
        lock (_lock)
        {
            _reload = reload;
        }

        RunReloads();
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private static void Take(PosixSignalContext context, Action act)
    {
        // The default of each would be to end the process.
        context.Cancel = true;
        act();
    }

    private void Stop()
    {
        Action? stop;
        lock (_lock)
        {
            stop = _stop;
            _stops += stop is null ? 1 : 0;
        }

        stop?.Invoke();
    }

    private void Reload()
    {
        lock (_lock)
        {
            _mustReload = true;
        }

        RunReloads();
    }

    private void RunReloads()
    {
        while (true)
        {
            Action reload;
            lock (_lock)
            {
                if (_reload is null || !_mustReload || _isReloading)
                {
                    return;
                }

                (reload, _mustReload, _isReloading) = (_reload, false, true);
            }

            try
            {
                reload();
            }
            finally
            {
                lock (_lock)
                {
                    _isReloading = false;
                }
            }
        }
    }
}
