package org.opensearch.security.privileges;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import org.opensearch.action.ActionRequest;
import org.opensearch.cluster.ClusterState;
import org.opensearch.cluster.service.ClusterService;
import org.opensearch.common.settings.ClusterSettings;
import org.opensearch.common.settings.Settings;
import org.opensearch.security.auditlog.NullAuditLog;
import org.opensearch.security.configuration.ClusterInfoHolder;
import org.opensearch.security.configuration.DlsQueryParser;
import org.opensearch.security.configuration.Salt;
import org.opensearch.security.resolver.IndexResolverReplacer;
import org.opensearch.security.securityconf.ConfigModelV7;
import org.opensearch.security.securityconf.DynamicConfigModelV7;
import org.opensearch.security.securityconf.EvaluatedDlsFlsConfig;
import org.opensearch.security.securityconf.impl.CType;
import org.opensearch.security.securityconf.impl.SecurityDynamicConfiguration;
import org.opensearch.security.securityconf.impl.v7.ConfigV7;
import org.opensearch.security.securityconf.impl.v7.RoleV7;
import org.opensearch.security.support.ConfigConstants;
import org.opensearch.security.support.WildcardMatcher;
import org.opensearch.security.user.AuthCredentials;
import org.opensearch.security.user.User;
import org.opensearch.threadpool.ThreadPool;

/** A security config as release 2.19 of the plugin evaluates it. What limits say of a field sits in a Lucene reader there: sets only. */
final class Rules implements AutoCloseable {
    private static final ThreadPool POOL = new ThreadPool(Settings.builder().put("node.name", "oracle").build());

    private static final Set<String> OPENS = Set.of("indices:data/read/search", "indices:data/read/get");
    private static final Method MASKS = masks();

    private final JsonNode users;
    private final PrivilegesEvaluatorImpl evaluator;
    private final ConfigModelV7 model;
    private final ClusterService cluster;
    private final boolean freeWins;

    Rules(JsonNode security, JsonNode world, ClusterState state) throws Exception {
        users = security.path("internalusers");
        Settings settings = Oracle.settings(world);
        freeWins = settings.getAsBoolean(ConfigConstants.SECURITY_DFM_EMPTY_OVERRIDES_ALL, false);
        cluster = new ClusterService(settings, new ClusterSettings(settings, ClusterSettings.BUILT_IN_CLUSTER_SETTINGS), POOL);
        cluster.getClusterApplierService().setInitialState(state);
        ConfigV7 general = new ConfigV7();
        general.dynamic = new ConfigV7.Dynamic();
        general.dynamic.do_not_fail_on_forbidden = world.path("do_not_fail_on_forbidden").asBoolean();
        general.dynamic.hosts_resolver_mode = "ip-hostname";
        ClusterInfoHolder info = new ClusterInfoHolder("oracle");
        DynamicConfigModelV7 dynamic = new DynamicConfigModelV7(general, settings, null, null, info);
        SecurityDynamicConfiguration<RoleV7> roles = Oracle.read(CType.ROLES, security);
        model = new ConfigModelV7(
            roles,
            Oracle.read(CType.ROLESMAPPING, security),
            Oracle.read(CType.ACTIONGROUPS, security),
            Oracle.read(CType.TENANTS, security),
            dynamic,
            settings
        );
        IndexResolverReplacer names = new IndexResolverReplacer(Oracle.RESOLVER, () -> state, info);
        evaluator = new PrivilegesEvaluatorImpl(
            null, () -> state, POOL, Oracle.THREADS, null, Oracle.RESOLVER, new NullAuditLog(), settings,
            new PrivilegesInterceptor(Oracle.RESOLVER, null, null, null), info, names, Oracle.QUERIES
        );
        evaluator.updateConfiguration(Oracle.read(CType.ACTIONGROUPS, security), roles);
        evaluator.onConfigModelChanged(model);
        evaluator.onDynamicConfigModelChanged(dynamic);
    }

    PrivilegesEvaluationContext context(JsonNode who, String action, ActionRequest request) {
        String name = who.get("name").asText();
        AuthCredentials attributes = new AuthCredentials(name);
        who.path("attributes").properties().forEach(entry -> attributes.addAttribute(entry.getKey(), entry.getValue().asText()));
        User user = new User(name, Oracle.strings(who.path("backend_roles")), attributes);
        user.addSecurityRoles(Oracle.strings(users.path(name).path("opendistro_security_roles")));
        return evaluator.createContext(user, action, request, null, null);
    }

    PrivilegesEvaluatorResponse evaluate(PrivilegesEvaluationContext context) {
        return evaluator.evaluate(context);
    }

    boolean isClusterPermission(String action) {
        return PrivilegesEvaluatorImpl.isClusterPerm(action);
    }

    /** Whether what guards limits looks at requests about the cluster, too. */
    boolean guardsCluster() {
        return true;
    }

    private EvaluatedDlsFlsConfig all(PrivilegesEvaluationContext context) {
        return model.getSecurityRoles()
            .filter(context.getMappedRoles())
            .getDlsFls(context.getUser(), freeWins, Oracle.RESOLVER, cluster, Oracle.QUERIES);
    }

    /** Whether a request is limited in what it sees; fails where a filter of any index that it names is no query. */
    boolean limited(PrivilegesEvaluationContext context) throws PrivilegesEvaluationException {
        EvaluatedDlsFlsConfig found;
        try {
            found = all(context).filter(context.getResolvedRequest());
            for (String query : found.getAllQueries()) new DlsQueryParser(Oracle.QUERIES).parse(query);
        } catch (RuntimeException failed) {
            throw new PrivilegesEvaluationException(failed.toString(), failed);
        }
        return !found.isEmpty();
    }

    /** The limits of each key that fits the index. Where several do, one of them counts: the first of a table without an order. */
    Map<String, Object> view(PrivilegesEvaluationContext context, String index, List<String> fields) {
        EvaluatedDlsFlsConfig found = all(context);
        Map<String, Object> view = new HashMap<>();
        List<Set<String>> documents = fitting(found.getDlsQueriesByIndex(), index);
        try {
            for (Set<String> queries : documents) for (String query : queries) new DlsQueryParser(Oracle.QUERIES).parse(query);
        } catch (RuntimeException failed) { // the node answers 500, shard by shard
            view.put("error", failed.toString());
        }
        List<Set<String>> masks = fitting(found.getFieldMaskingByIndex(), index);
        if (OPENS.contains(context.getAction()) && new HashSet<>(masks).size() == 1) {
            try { // as the reader of a shard takes them
                MASKS.invoke(null, true, masks.get(0), new Salt(new byte[16]), null);
            } catch (ReflectiveOperationException failed) {
                view.put("error", String.valueOf(failed.getCause()));
            }
        }
        view.put("documents", documents);
        view.put("fields", fitting(found.getFlsByIndex(), index));
        view.put("masks", masks);
        return view;
    }

    private static Method masks() {
        try {
            Class<?> kept = Class.forName("org.opensearch.security.configuration.DlsFlsFilterLeafReader$MaskedFieldsMap");
            Method made = kept.getDeclaredMethod("extractMaskedFields", boolean.class, Set.class, Salt.class, String.class);
            made.setAccessible(true);
            return made;
        } catch (ReflectiveOperationException gone) {
            throw new IllegalStateException(gone);
        }
    }

    private static List<Set<String>> fitting(Map<String, Set<String>> limits, String index) {
        List<Set<String>> found = new ArrayList<>();
        limits.forEach((key, of) -> { if (WildcardMatcher.from(key).test(index)) found.add(new HashSet<>(of)); });
        return found;
    }

    @Override
    public void close() {
        cluster.close();
    }
}
