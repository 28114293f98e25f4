suppressMessages(library(survey)); d<-read.csv("blanks.csv",colClasses=c(tinh="character"))
q<-paste0("q",1:5); for(v in q){ d[[paste0("v",v)]]<-as.numeric(!is.na(d[[v]])); d[[paste0("z",v)]]<-ifelse(is.na(d[[v]]),0,d[[v]]) }
sink("blanks_r.csv"); cat("single,fpc,where,variable,n,estimate,se,df,lo,hi,deff\n")
for(lp in c("adjust","average","certainty")) for(f in c("no","yes")) { options(survey.lonely.psu=lp)
 ds<-if(f=="no") svydesign(id=~xa,strata=~tinh,weights=~w,data=d,nest=TRUE) else svydesign(id=~xa,strata=~tinh,weights=~w,data=d,nest=TRUE,fpc=~so_xa)
 for(wh in c("ALL","nam","18-34","35-59","60+","thin")) {
  s<-switch(wh,ALL=ds,nam=subset(ds,gioi=="nam"),thin=subset(ds,(tinh=="05"|(tinh=="02"&xa==1))),subset(ds,tuoi==wh))
  for(v in q){ sv<-eval(bquote(subset(s,!is.na(.(as.name(v)))))); m<-suppressWarnings(svymean(as.formula(paste0("~",v)),sv,deff=TRUE)); df<-degf(sv); ci<-suppressWarnings(confint(m,df=df))
   cat(sprintf("%s,%s,%s,%s,%d,%.17g,%.17g,%d,%.17g,%.17g,%.17g\n",lp,f,wh,v,sum(weights(sv)>0),coef(m),SE(m),df,ci[1],ci[2],deff(m))) }
  t<-svytotal(as.formula(paste("~",paste(c(paste0("z",q),paste0("v",q)),collapse="+"))),s)
  e<-function(vs) parse(text=paste0("(",paste(sprintf("zq%d/vq%d",vs,vs),collapse="+"),")/",length(vs),"/5*100"))[[1]]
  for(ix in list(1:5,4:5)){ cc<-svycontrast(t,e(ix)); k<-rowSums(!is.na(d[row.names(s$variables),q[ix],drop=FALSE]))>0
   df<-degf(s); cat(sprintf("%s,%s,%s,%s,NA,%.17g,%.17g,NA,NA,NA,NA\n",lp,f,wh,paste0("i",length(ix)),coef(cc),SE(cc))) }
 } }
sink()
